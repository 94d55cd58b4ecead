"""Replaces division, which TFLite lacks in int8, by two multiplications with 1 / sqrt(x), which it has.

One of them can come before and one after other operations. Each then stretches the range of values only by the square
root of the factor, which 8 bits can resolve.
"""

import tensorflow as tf
import tf_keras as keras

FLOOR = 1 / 64  # four int8 steps of a tensor in [0, 1]


@keras.saving.register_keras_serializable("sdkd")
class InverseSquareRoot(keras.layers.Layer):
    """1 / sqrt(max(x, FLOOR)), at most 8; the gradient is 0 below FLOOR."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.math.rsqrt(tf.maximum(x, FLOOR))
