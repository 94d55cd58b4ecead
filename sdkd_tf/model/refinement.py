"""The refined layer: "filters other minor objects and noise, only retains the main object" (SDKD paper).

Its inside is left open there. A residual block of convolutions, and none at all, ended no higher (docs/results.md).
"""

import tensorflow as tf
import tf_keras as keras

layers = keras.layers


@keras.saving.register_keras_serializable("sdkd")
class MorphologicalReconstruction(keras.layers.Layer):
    """Grayscale reconstruction by dilation (Vincent, IEEE Transactions on Image Processing 1993), seeded at the maximum.

    The seed is the map at its maximum and 0 elsewhere; again and again it is dilated by a 3x3 square and bounded by the
    map. What is connected to the most salient point survives, what is separated by a valley is cut down to the level of
    that valley. As many dilations are made as the map's height and width together, enough unless an object winds more
    than that through the map.
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Maps `[batch, h, w, 1]`, at least 0, to the same shape, nowhere above the input."""
        peak = tf.reduce_max(x, axis=(1, 2), keepdims=True)
        kept = tf.where(x >= peak, x, tf.constant(0.0, shape=(1, 1, 1, 1)))
        for _ in range(x.shape[1] + x.shape[2]):
            kept = tf.minimum(tf.nn.max_pool2d(kept, 3, 1, "SAME"), x)
        return kept


def refine(logits: tf.Tensor, name: str = "refinement") -> tf.Tensor:
    """Turns the decoder's logits `[batch, h, w, 1]` into the refined saliency map in [0, 1], of the same shape."""
    saliency = layers.Activation("sigmoid", name="saliency")(logits)
    return MorphologicalReconstruction(name=name)(saliency)
