"""A plain MobileNetV2 classifier, without saliency: what one would train instead, and the features of other methods."""

import dataclasses
from typing import Annotated

import tf_keras as keras

from sdkd_tf.model.backbone import InputSize, Weights, freeze_batch_norm, mobilenet_v2
from sdkd_tf.options import about

layers = keras.layers


@dataclasses.dataclass(frozen=True)
class MobileNetOptions:
    """Options of the plain MobileNetV2."""

    input_size: InputSize = 128
    weights: Weights = "bundled"
    projection: Annotated[int, about("Units of a random layer before the FC layer.", ge=0, research=True)] = 0


def build_mobilenet(num_classes: int, options: MobileNetOptions = MobileNetOptions()) -> keras.Model:
    """Builds MobileNetV2 with global average pooling and an FC layer.

    Args:
      num_classes: number of object labels, at least 2.
      options: see MobileNetOptions. The random layer is that of RanPAC (McDonnell et al., NeurIPS 2023, section 4.1):
        standard normal weights that are never trained, no bias, ReLU.

    Returns:
      A keras.Model from images `[batch, input_size, input_size, 3]`, RGB in [-1, 1], to logits `[batch, num_classes]`.
    """
    backbone = mobilenet_v2(options.input_size, weights=options.weights)
    x = layers.GlobalAveragePooling2D(name="embedding")(backbone.output)
    if options.projection:
        normal = keras.initializers.RandomNormal(stddev=1.0)
        kept = {"use_bias": False, "kernel_initializer": normal, "trainable": False}
        x = layers.Dense(options.projection, "relu", name="projection", **kept)(x)
    model = keras.Model(backbone.input, layers.Dense(num_classes, name="logits")(x), name="mobilenet_v2")
    freeze_batch_norm(model)
    return model
