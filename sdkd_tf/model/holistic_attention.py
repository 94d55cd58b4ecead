"""CPD's holistic attention (Wu, Su, Huang, CVPR 2019, section 3.3).

The first saliency map, blurred so that it covers the whole object, weights the input features of the detection branch.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.quantizable import InverseSquareRoot, PositiveDifference

layers = keras.layers


def gaussian_kernel(size: int) -> np.ndarray:
    """CPD's initial blur kernel.

    Let p be the probabilities of a normal distribution in `size` equal bins of [-4, 4], widened by half a bin
    at both ends. The kernel is the square root of the outer product of p with itself, normalized to sum 1.

    Args:
      size: side of the kernel in pixels.

    Returns:
      float32 `[size, size]`.
    """
    half = 4 + 4.5 / size  # with half a bin
    edges = np.linspace(-half, half, size + 1)
    cdf = np.array([0.5 * (1 + math.erf(edge / math.sqrt(2))) for edge in edges])
    bins = np.diff(cdf)
    kernel = np.sqrt(np.outer(bins, bins))
    return (kernel / kernel.sum()).astype(np.float32)


@keras.saving.register_keras_serializable("sdkd")
class GaussianInitializer(keras.initializers.Initializer):
    """Initializes a `[size, size, 1, 1]` kernel with `gaussian_kernel`."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> tf.Tensor:
        return tf.constant(gaussian_kernel(shape[0])[:, :, None, None], dtype or tf.float32)


@keras.saving.register_keras_serializable("sdkd")
class GlobalMinPooling2D(keras.layers.Layer):
    """The minimum of every channel, `[batch, h, w, c]` to `[batch, 1, 1, c]`."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_min(x, axis=(1, 2), keepdims=True)


def min_max_normalization(x: tf.Tensor, name: str) -> tf.Tensor:
    """Stretches each map to [0, 1]: (x - min) / max(max - min, FLOOR).

    Args:
      x: maps `[batch, h, w, 1]`.
      name: prefix of the layers' names.

    Returns:
      Maps of the same shape; a constant map becomes 0. Gradients are finite.
    """
    low = GlobalMinPooling2D(name=f"{name}_low")(x)
    high = layers.GlobalMaxPooling2D(keepdims=True, name=f"{name}_high")(x)
    root = InverseSquareRoot(name=f"{name}_root")(layers.Subtract(name=f"{name}_range")([high, low]))
    shifted = layers.Subtract(name=f"{name}_shift")([x, low])
    return layers.Multiply(name=f"{name}_scale2")([layers.Multiply(name=f"{name}_scale1")([shifted, root]), root])


def holistic_attention(logits: tf.Tensor, features: tf.Tensor, kernel_size: int, name: str) -> tf.Tensor:
    """Multiplies features by max(blurred and stretched map, map).

    Args:
      logits: saliency logits `[batch, h, w, 1]`.
      features: `[batch, h, w, c]`.
      kernel_size: side of the learnable blur kernel in map pixels (CPD: 31 on 88x88 maps).
      name: prefix of the layers' names.

    Returns:
      The weighted features `[batch, h, w, c]`.
    """
    attention = layers.Activation("sigmoid", name=f"{name}_sigmoid")(logits)
    blurred = layers.Conv2D(
        1, kernel_size, padding="same", use_bias=False, kernel_initializer=GaussianInitializer(), name=f"{name}_blur"
    )(attention)
    stretched = min_max_normalization(blurred, f"{name}_min_max")
    above = PositiveDifference(name=f"{name}_above")([stretched, attention])
    weight = layers.Add(name=f"{name}_max")([attention, above])
    return layers.Multiply(name=f"{name}_apply")([features, weight])
