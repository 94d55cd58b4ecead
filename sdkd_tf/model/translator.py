"""Paraphraser and translator of Factor Transfer (Kim, Park, Kwak, NeurIPS 2018, https://arxiv.org/abs/1802.04977).

In SDKD their inputs are saliency maps: the paraphraser (the "teacher translator") is an autoencoder of the teacher's
maps; the student translator has the architecture of its encoder.
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

layers = keras.layers

# m, the channels of a factor. Factor Transfer's k * channels does not suit one-channel maps; 2 and 32 did no better.
FACTOR_WIDTH = 8


def _stack(x: tf.Tensor, kind: type[keras.layers.Layer], widths: Sequence[int], name: str) -> tf.Tensor:
    for i, width in enumerate(widths, start=1):
        x = kind(width, 3, padding="same", name=f"{name}{i}")(x)
        x = layers.LeakyReLU(0.1, name=f"{name}{i}_relu")(x)
    return x


def build_translator(map_size: int, name: str = "student_translator") -> keras.Model:
    """Builds three 3x3 convolutions (1 -> 1 -> m -> m), each followed by a LeakyReLU with slope 0.1.

    Args:
      map_size: side of the square saliency map.
      name: name of the model.

    Returns:
      A keras.Model from maps `[batch, map_size, map_size, 1]` to factors `[batch, map_size, map_size, m]`.
    """
    maps = keras.Input((map_size, map_size, 1))
    return keras.Model(maps, _stack(maps, layers.Conv2D, (1, FACTOR_WIDTH, FACTOR_WIDTH), "encode"), name=name)


def build_paraphraser(map_size: int) -> tuple[keras.Model, keras.Model]:
    """Builds the autoencoder: the encoder is a `build_translator`, the decoder mirrors it with transposed convolutions.

    Args: see `build_translator`.

    Returns:
      (autoencoder, encoder), two keras.Models that share the encoder's weights; the autoencoder keeps the shape.
    """
    encoder = build_translator(map_size, name="teacher_translator_encoder")
    decoded = _stack(encoder.output, layers.Conv2DTranspose, (FACTOR_WIDTH, 1, 1), "decode")
    return keras.Model(encoder.input, decoded, name="teacher_translator"), encoder
