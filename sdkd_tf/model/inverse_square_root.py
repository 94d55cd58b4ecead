"""Division without dividing: TFLite has no int8 division, but 1 / x is 1 / sqrt(x) applied twice, which int8 does have.

Applied once before and once after other arithmetic, it also spreads what a division stretches over two steps, so that
each keeps to a range that 8 bits resolve.
"""

import tensorflow as tf
import tf_keras as keras

FLOOR = 1 / 64  # four int8 steps of a tensor in [0, 1]


@keras.saving.register_keras_serializable("sdkd")
class InverseSquareRoot(keras.layers.Layer):
    """1 / sqrt(max(x, FLOOR)), at most 8; the gradient is 0 below FLOOR."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.math.rsqrt(tf.maximum(x, FLOOR))
