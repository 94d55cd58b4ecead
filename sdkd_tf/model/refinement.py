"""The refined layer: "filters other minor objects and noise, only retains the main object" (SDKD paper).

The paper does not define it. Here it is a reconstruction of the map from its maximum, without weights.
"""

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.quantizable import PositiveDifference

layers = keras.layers


STEEPNESS = 255.0  # of the seed, which is 0 from one int8 step below the maximum


@keras.saving.register_keras_serializable("sdkd")
class Steepen(keras.layers.Layer):
    """Multiplication by STEEPNESS, without a gradient."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.stop_gradient(x) * STEEPNESS


@keras.saving.register_keras_serializable("sdkd")
class ReconstructionByDilation(keras.layers.Layer):
    """Grayscale reconstruction by dilation (Vincent, IEEE Transactions on Image Processing 1993).

    The seed is repeatedly dilated by a 3x3 square and bounded by the map. The number of dilations is the map's height
    plus its width, which suffices unless an object follows a longer winding path.
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Maps [seed, map], both `[batch, h, w, 1]` with seed <= map, to a tensor of the same shape."""
        kept, x = inputs
        for _ in range(x.shape[1] + x.shape[2]):
            kept = self.minimum(tf.nn.max_pool2d(kept, 3, 1, "SAME"), x)
        return kept

    def minimum(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """The smaller one of two tensors in [0, 1], element by element."""
        return tf.minimum(a, b)


def keep_main_object(saliency: tf.Tensor) -> tf.Tensor:
    """Reconstructs a map from its maximum.

    The region connected to the most salient point is kept; a region separated from it by a valley is cut off at the
    level of that valley. The seed is relu(x - STEEPNESS * (max - x)): x at the maximum, and 0 where x is at least 1/255
    lower. It needs no comparison operator, which few accelerators support.

    Args:
      saliency: `[batch, h, w, 1]` in [0, 1].

    Returns:
      A map of the same shape, at most `saliency` everywhere.
    """
    peak = layers.GlobalMaxPooling2D(keepdims=True, name="refinement_peak")(saliency)
    below = layers.Subtract(name="refinement_below")([peak, saliency])
    seed = PositiveDifference(name="refinement_seed")([saliency, Steepen(name="refinement_steep")(below)])
    return ReconstructionByDilation(name="refinement")([seed, saliency])


def refine(logits: tf.Tensor) -> tf.Tensor:
    """Turns the decoder's logits `[batch, h, w, 1]` into the refined saliency map in [0, 1], of the same shape."""
    return keep_main_object(layers.Activation("sigmoid", name="saliency")(logits))
