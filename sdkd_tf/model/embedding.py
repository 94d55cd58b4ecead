"""The embedding: features of several blocks, weighted by the saliency map and pooled to one vector per image.

In the paper (figure 2), the FC layer sees only block 5. The shallower blocks add color and texture, the deeper block of
the detection branch adds semantics, and block 5 without the map adds the surroundings of a half-hidden object
(docs/results.md).
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.quantizable import InverseSquareRoot

layers = keras.layers


def embed(
    levels: Sequence[tf.Tensor], saliency: tf.Tensor | None, pooling: str, context: tf.Tensor | None = None
) -> tf.Tensor:
    """Weights features by the map, pools and concatenates them.

    Args:
      levels: features `[batch, h, w, c]` with any number of channels, of the map's size, twice or half that size.
      saliency: the map `[batch, h, w, 1]` in [0, 1]; None to pool over all positions alike.
      pooling: `mean`, over all positions; or `mass`, the mean divided by the map's mean, so that a small object counts
        as much as one that fills the image.
      context: features to pool without the map, or None.

    Returns:
      `[batch, c]`, where c is the sum of all channels.
    """
    weight = saliency
    by_mass = pooling == "mass" and saliency is not None
    if by_mass:
        mass = layers.GlobalAveragePooling2D(keepdims=True, name="mass")(saliency)
        root = InverseSquareRoot(name="mass_root")(mass)
        weight = layers.Multiply(name="mass_scale1")([saliency, root])
    pooled = [_pool(features, weight, f"level{number}") for number, features in enumerate(levels, start=1)]
    embedding = pooled[0] if len(pooled) == 1 else layers.Concatenate(name="levels")(pooled)
    if by_mass:
        embedding = layers.Multiply(name="mass_scale2")([embedding, root])
    if context is not None:
        plain = layers.GlobalAveragePooling2D(keepdims=True, name="context")(context)
        embedding = layers.Concatenate(name="with_context")([embedding, plain])
    return layers.Flatten(name="embedding")(embedding)


def _pool(features: tf.Tensor, weight: tf.Tensor | None, name: str) -> tf.Tensor:
    if weight is None:
        return layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pooled")(features)
    if features.shape[1] == 2 * weight.shape[1]:
        features = layers.AveragePooling2D(2, name=f"{name}_halved")(features)
    elif 2 * features.shape[1] == weight.shape[1]:
        weight = layers.AveragePooling2D(2, name=f"{name}_weight")(weight)
    masked = layers.Multiply(name=f"{name}_masked")([features, weight])
    return layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pooled")(masked)
