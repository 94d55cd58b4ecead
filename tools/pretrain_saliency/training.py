"""Trains the branches on rendered masks, with blocks 1-5 frozen at their ImageNet weights."""

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.callbacks import Schedule
from sdkd_tf.data.augmentation import augment_hard
from sdkd_tf.model import backbone
from sdkd_tf.model.network import NetworkOptions, as_outputs, build_network
from sdkd_tf.strategies.losses import saliency_loss

layers = keras.layers


def batches(data: dict[str, np.ndarray], size: int, batch: int, epochs: int, seed: int) -> tf.data.Dataset:
    """Shuffled, augmented batches as those of `pipeline.make_dataset`, of `epochs` passes over the images."""
    count = len(data["image"])
    order = np.concatenate([np.random.default_rng([seed, e]).permutation(count) for e in range(epochs)])
    images, masks, labels = data["image"], data["mask"], data["label"]

    def read(place):
        return images[place], masks[place].astype(np.float32)[..., None]

    def decode(place, number):
        image, mask = tf.numpy_function(read, [place], [tf.uint8, tf.float32])
        image.set_shape(images.shape[1:]), mask.set_shape((*masks.shape[1:], 1))
        image = tf.image.resize(tf.cast(image, tf.float32), [size, size], antialias=True) / 127.5 - 1
        mask = tf.cast(tf.image.resize(mask, [size, size], antialias=True) > 0.5, tf.float32)
        pair = tf.stack([tf.constant(seed, tf.int64), number])
        example = augment_hard({"image": image, "mask": mask}, pair)
        seeds = tf.unstack(tf.random.split(tf.random.experimental.stateless_fold_in(pair, 2), 3))
        sigma = tf.maximum(tf.random.stateless_uniform([], seeds[0], -0.08, 0.08), 0.0)
        noisy = example["image"] + sigma * tf.random.stateless_normal([size, size, 3], seeds[1])
        tint = tf.random.stateless_uniform([3], seeds[2], 0.85, 1.15)
        noisy = tf.clip_by_value((noisy + 1) * tint - 1, -1.0, 1.0)
        label = tf.gather(tf.constant(labels, tf.int32), place)
        return {"image": noisy, "mask": example["mask"], "label": label}

    places = tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(order), tf.data.Dataset.counter()))
    return places.map(decode, num_parallel_calls=2).batch(batch, drop_remainder=True).prefetch(4)


class Pretraining(keras.Model):
    """CPD's saliency loss, and the classification of the objects from the map-weighted features of block 7."""

    def __init__(self, network: keras.Model, classes: int, weight: float):
        super().__init__()
        self.network, self.weight = network, weight
        self.head = layers.Dense(classes)
        self.mae, self.accuracy = keras.metrics.Mean(name="mae"), keras.metrics.Mean(name="accuracy")
        self.block7 = keras.Model(
            network.input, [*network.outputs, network.get_layer("detection_block_16_project_BN").output]
        )

    def call(self, images, training=False):
        *outputs, block7 = self.block7(images, training=training)
        saliency = tf.stop_gradient(outputs[1])
        weight = tf.image.resize(saliency, block7.shape[1:3], "area")
        pooled = tf.reduce_sum(block7 * weight, (1, 2)) / (tf.reduce_sum(weight, (1, 2)) + 1e-3)
        return outputs, self.head(pooled)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            outputs, logits = self(batch["image"], training=True)
            o = as_outputs(outputs)
            loss = saliency_loss(o.attention_logits, o.detection_logits, batch["mask"], tf.ones_like(batch["label"], tf.float32))
            cls = keras.losses.sparse_categorical_crossentropy(batch["label"], logits, from_logits=True)
            loss += self.weight * tf.reduce_mean(cls)
        variables = self.trainable_variables
        pairs = list(zip(tape.gradient(loss, variables), variables, strict=True))
        pairs = [(g, v) for g, v in pairs if g is not None]
        self.slow.learning_rate = 0.2 * self.optimizer.learning_rate
        self.optimizer.apply_gradients([(g, v) for g, v in pairs if "block_" not in v.name])
        self.slow.apply_gradients([(g, v) for g, v in pairs if "block_" in v.name])
        small = tf.image.resize(batch["mask"], o.saliency.shape[1:3], "area")
        self.mae.update_state(tf.reduce_mean(tf.abs(o.saliency - small)))
        self.accuracy.update_state(
            tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1, tf.int32), batch["label"]), tf.float32))
        )
        return {"loss": loss, "mae": self.mae.result(), "accuracy": self.accuracy.result()}


def pretrain(data, size=128, batch=16, epochs=12, rate=5e-4, weight=0.3, seed=0, save=None):
    keras.utils.set_random_seed(seed)
    network = build_network(2, NetworkOptions(input_size=size, frozen_blocks=5, detach_map=True))
    model = Pretraining(network, int(data["label"].max()) + 1, weight)
    model.compile(keras.optimizers.Adam(clipvalue=0.5))
    model.slow = keras.optimizers.Adam(clipvalue=0.5)
    model.slow.build([v for v in network.trainable_variables if "block_" in v.name])
    steps = len(data["image"]) // batch
    callbacks = [Schedule(epochs, rate, "cosine")]
    if save:
        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: save(network, e)))
    model.fit(
        batches(data, size, batch, epochs, seed), steps_per_epoch=steps, epochs=epochs, callbacks=callbacks, verbose=2
    )
    return network
