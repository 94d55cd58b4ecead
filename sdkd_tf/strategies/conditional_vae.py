"""A small conditional variational autoencoder of images (Kingma, Welling, ICLR 2014; Sohn, Lee, Yan, NeurIPS 2015)."""

import random

import tensorflow as tf
import tf_keras as keras

layers = keras.layers


class ConditionalVAE(keras.Model):
    """Learns to generate images of given labels."""

    def __init__(self, num_classes: int, image_size: int = 32, code_size: int = 64):
        """Args:
        num_classes: number of labels.
        image_size: side of the square RGB images, a multiple of 8.
        code_size: dimension of the latent code.
        """
        super().__init__(name="conditional_vae")
        self.num_classes, self.image_size, self.code_size = num_classes, image_size, code_size
        self.encoder = _encoder(num_classes, image_size, code_size)
        self.decoder = _decoder(num_classes, image_size, code_size)
        self.random = tf.random.Generator.from_seed(random.getrandbits(31))
        self.random_state = self.random.state  # as an attribute, the variable is tracked and saved
        self.loss_tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [self.loss_tracker]

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step on (images `[b, s, s, 3]` in [-1, 1], labels `[b]`): the negative evidence lower bound,
        with a Gaussian likelihood of variance 0.1 per pixel value."""
        images, labels = data
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder([images, labels]), 2, axis=1)
            code = mean + tf.exp(log_variance / 2.0) * self.random.normal(tf.shape(mean))
            squared = tf.reduce_sum(tf.square(self.decoder([code, labels]) - images), axis=(1, 2, 3))
            divergence = tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance, axis=1) / 2.0
            loss = tf.reduce_mean(squared / (2.0 * 0.1) + divergence)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    def sample(self, labels: tf.Tensor) -> tf.Tensor:
        """Generates one image for each label: float32 `[n, s, s, 3]` in [-1, 1]."""
        codes = self.random.normal((len(labels), self.code_size))
        return tf.convert_to_tensor(self.decoder.predict([codes, tf.convert_to_tensor(labels)], verbose=0))


def _encoder(num_classes: int, image_size: int, code_size: int) -> keras.Model:
    image, label = keras.Input((image_size, image_size, 3)), keras.Input((), dtype=tf.int32)
    x = image
    for width in (32, 64, 128):
        x = layers.Conv2D(width, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Concatenate()([layers.Flatten()(x), layers.Embedding(num_classes, 32)(label)])
    x = layers.Dense(256, activation="relu")(x)
    return keras.Model([image, label], layers.Dense(2 * code_size)(x), name="encoder")


def _decoder(num_classes: int, image_size: int, code_size: int) -> keras.Model:
    code, label = keras.Input((code_size,)), keras.Input((), dtype=tf.int32)
    x = layers.Concatenate()([code, layers.Embedding(num_classes, 32)(label)])
    x = layers.Dense((image_size // 8) ** 2 * 128, activation="relu")(x)
    x = layers.Reshape((image_size // 8, image_size // 8, 128))(x)
    for width in (64, 32):
        x = layers.Conv2DTranspose(width, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x)
    return keras.Model([code, label], x, name="decoder")
