"""Trains the saliency branches on rendered masks, with blocks 1-5 frozen at their ImageNet weights."""

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.callbacks import Schedule
from sdkd_tf.data.augmentation import augment_hard
from sdkd_tf.data.pipeline import shuffled_passes, to_network_range
from sdkd_tf.model.network import BUNDLED_BRANCHES, NetworkOptions, as_outputs, branch_layers, build_network
from sdkd_tf.model.weights import load_weights
from sdkd_tf.strategies.losses import saliency_loss

INPUT_SIZE = 128
BATCH_SIZE = 16
LEARNING_RATE = 5e-4
BLOCK_RATE = 0.2  # of the learning rate, for blocks 6 and 7: at the full rate, block 7 stops telling objects apart
CLASSIFICATION_WEIGHT = 0.5
NOISE = 0.08  # largest standard deviation, in units of [-1, 1]
TINT = 0.15  # largest change of a color channel


def batches(data: dict[str, np.ndarray], epochs: int, seed: int) -> tf.data.Dataset:
    """Shuffled and augmented batches of the rendered images, like those of `pipeline.make_dataset`.

    Args:
      data: image uint8 `[n, s, s, 3]`, mask bool `[n, s, s]`, label int `[n]`.
      epochs: number of passes over the images.
      seed: of order and augmentation.
    """
    images, masks, labels = data["image"], data["mask"], data["label"].astype(np.int32)
    size = [INPUT_SIZE, INPUT_SIZE]

    def read(place: np.ndarray) -> tuple[Any, ...]:
        return images[place], masks[place][..., None].astype(np.float32), labels[place]

    def decode(place: tf.Tensor, number: tf.Tensor) -> dict[str, tf.Tensor]:
        image, mask, label = tf.numpy_function(read, [place], [tf.uint8, tf.float32, tf.int32])
        image = to_network_range(tf.image.resize(tf.ensure_shape(image, images.shape[1:]), size, antialias=True))
        mask = tf.image.resize(tf.ensure_shape(mask, (*masks.shape[1:], 1)), size, antialias=True)
        turn = tf.stack([tf.constant(seed, tf.int64), number])
        example = augment_hard({"image": image, "mask": tf.cast(mask > 0.5, tf.float32)}, turn)
        return {"image": disturb(example["image"], turn), "mask": example["mask"], "label": tf.ensure_shape(label, [])}

    order = shuffled_passes(len(images), seed).take(epochs * len(images))
    numbered = tf.data.Dataset.zip((order, tf.data.Dataset.counter()))
    return numbered.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH_SIZE, drop_remainder=True).prefetch(4)


def disturb(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds noise to every second image `[s, s, 3]` in [-1, 1], and changes its color balance."""
    seeds = tf.unstack(tf.random.split(tf.random.experimental.stateless_fold_in(seed, 2), 3))
    deviation = tf.maximum(tf.random.stateless_uniform([], seeds[0], -NOISE, NOISE), 0.0)
    noisy = image + deviation * tf.random.stateless_normal(tf.shape(image), seeds[1])
    tint = tf.random.stateless_uniform([3], seeds[2], 1.0 - TINT, 1.0 + TINT)
    return tf.clip_by_value((noisy + 1.0) * tint - 1.0, -1.0, 1.0)


class Pretraining(keras.Model):
    """CPD's saliency loss, and the classification of the objects from block 7 of the detection branch.

    The latter keeps in the branch what distinguishes objects; the saliency alone does not need it.
    """

    def __init__(self, network: keras.Model, classes: int):
        """Args: a network that returns `network.Outputs`; number of rendered objects."""
        super().__init__()
        self.network = network
        block7 = network.get_layer("detection_block_16_project_BN").output
        self.features = keras.Model(network.input, [*network.outputs, block7])
        self.head = keras.layers.Dense(classes)
        self.slow = keras.optimizers.Adam(clipvalue=0.5)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", "error", "accuracy")}

    def compile(self) -> None:
        """Sets the optimizers, one for blocks 6 and 7 and one for all else."""
        super().compile(optimizer=keras.optimizers.Adam(clipvalue=0.5))
        self.slow.build([v for v in self.network.trainable_variables if "block_" in v.name])

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.trackers.values())

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            *outputs, block7 = self.features(batch["image"], training=True)
            maps = as_outputs(outputs)
            weight = tf.image.resize(tf.stop_gradient(maps.saliency), block7.shape[1:3], "area")
            mass = tf.reduce_sum(weight, axis=(1, 2)) + 1e-3
            logits = self.head(tf.reduce_sum(block7 * weight, axis=(1, 2)) / mass)
            supervised = tf.ones_like(batch["label"], tf.float32)
            saliency = saliency_loss(maps.attention_logits, maps.detection_logits, batch["mask"], supervised)
            classification = keras.losses.sparse_categorical_crossentropy(batch["label"], logits, from_logits=True)
            loss = saliency + CLASSIFICATION_WEIGHT * tf.reduce_mean(classification)
        variables = self.network.trainable_variables + self.head.trainable_variables
        gradients = tape.gradient(loss, variables)
        pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        self.slow.learning_rate = BLOCK_RATE * self.optimizer.learning_rate
        if slow := [(g, v) for g, v in pairs if "block_" in v.name]:
            self.slow.apply_gradients(slow)
        self.optimizer.apply_gradients([(g, v) for g, v in pairs if "block_" not in v.name])
        small = tf.image.resize(batch["mask"], maps.saliency.shape[1:3], "area")
        hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), batch["label"])
        values = (loss, tf.reduce_mean(tf.abs(maps.saliency - small)), tf.reduce_mean(tf.cast(hits, tf.float32)))
        for tracker, value in zip(self.trackers.values(), values, strict=True):
            tracker.update_state(value)
        return {metric.name: metric.result() for metric in self.metrics}


def pretrain(data: dict[str, np.ndarray], epochs: int, decoder: str, seed: int = 0) -> keras.Model:
    """Trains a network on rendered images.

    Args:
      data, epochs, seed: see `batches`.
      decoder: `full`, or `lite` for only its decoders, on the blocks 6 and 7 that were trained with the full ones.

    Returns:
      The network.
    """
    keras.utils.set_random_seed(seed)
    options = NetworkOptions(
        input_size=INPUT_SIZE,
        decoder=decoder,
        frozen_blocks=5,
        detach_map=True,
        embedding="block5",
        pretrained_branches=False,
    )
    network = build_network(2, options)
    network.get_layer("holistic_attention_blur").trainable = False  # its size depends on that of the input
    if decoder == "lite":
        blocks = [layer for layer in branch_layers(network) if "decoder" not in layer.name]
        load_weights(network, BUNDLED_BRANCHES, blocks)
        for layer in blocks:
            layer.trainable = False
    model = Pretraining(network, int(data["label"].max()) + 1)
    model.compile()
    steps = len(data["image"]) // BATCH_SIZE
    schedule = Schedule(epochs, LEARNING_RATE)
    model.fit(batches(data, epochs, seed), steps_per_epoch=steps, epochs=epochs, callbacks=[schedule], verbose=2)
    return network
