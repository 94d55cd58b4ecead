"""Operations that stand for others, which int8 kernels lack.

- Division, which TFLite lacks, becomes two multiplications by 1 / sqrt(x). One of them can come before and one after other
  operations. Each then stretches the range of values only by the square root of the factor, which 8 bits can resolve.
- The larger and the smaller of a and b, which XNNPACK lacks, are b + relu(a - b) and a - relu(a - b).
"""

import tensorflow as tf
import tf_keras as keras

FLOOR = 1 / 64  # four int8 steps of a tensor in [0, 1]


@keras.saving.register_keras_serializable("sdkd")
class InverseSquareRoot(keras.layers.Layer):
    """1 / sqrt(max(x, FLOOR)), at most 8; the gradient is 0 below FLOOR."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.math.rsqrt(tf.maximum(x, FLOOR))


@keras.saving.register_keras_serializable("sdkd")
class PositiveDifference(keras.layers.Layer):
    """relu(a - b) of two tensors."""

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return tf.nn.relu(inputs[0] - inputs[1])
