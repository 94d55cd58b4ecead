"""The whole network (SDKD paper, figures 2 and 3) as one flat Functional graph.

image -> blocks 1-5 -+-> blocks 6, 7 -> partial decoder -> holistic attention -+     attention branch
                     +------------------------(x)<-----------------------------+
                     |                         +-> blocks 6, 7 -> partial decoder -> refined layer    detection branch
                     +-------------------------------------------------------(x)<-------+
                                                                              +-> pooling -> FC -> logits
"""

import collections
import functools

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.errors import UserError
from sdkd_tf.model import backbone as mobilenet
from sdkd_tf.model.holistic_attention import holistic_attention
from sdkd_tf.model.inverse_square_root import InverseSquareRoot
from sdkd_tf.model.partial_decoder import DECODERS, INITIALIZERS, partial_decoder
from sdkd_tf.model.refinement import refine

layers = keras.layers

POOLINGS = ("mean", "mass", "max")

# What a network returns, in this order:
#   logits `[batch, classes]`; saliency, the refined map in [0, 1]; attention_logits and detection_logits, the two
#   branches' maps before the sigmoid, which masks supervise. Maps are `[batch, input_size / 16, input_size / 16, 1]`.
# A network without saliency returns logits alone; its maps are None.
Outputs = collections.namedtuple("Outputs", "logits saliency attention_logits detection_logits", defaults=(None,) * 3)


def as_outputs(returned):
    """Names what a network, with or without saliency, returned."""
    return Outputs(*returned) if isinstance(returned, (list, tuple)) else Outputs(returned)


@keras.saving.register_keras_serializable("sdkd")
class StopGradient(layers.Layer):
    """Passes its input on and no gradient back."""

    def call(self, x):
        return tf.stop_gradient(x)


def masked_pooling(features, weight, pooling):
    """Features times the map, as one vector an image.

    Args:
      features: `[batch, h, w, c]`.
      weight: the map `[batch, h, w, 1]` in [0, 1].
      pooling: `mean` over all positions; `max`; or `mass`, the mean divided by the map's mean: an object that fills
        little of the image then speaks as loudly as one that fills it.

    Returns:
      `[batch, c]`.
    """
    if pooling == "mass":
        mass = layers.GlobalAveragePooling2D(keepdims=True, name="mass")(weight)
        root = InverseSquareRoot(name="mass_root")(mass)
        weight = layers.Multiply(name="mass_scale1")([weight, root])
    masked = layers.Multiply(name="masked_features")([features, weight])
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="pooling")(masked)
    if pooling == "mean":
        return layers.GlobalAveragePooling2D(name="pooling")(masked)
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="pooling")(masked)
    return layers.Flatten(name="pooled")(layers.Multiply(name="mass_scale2")([pooled, root]))


def build_network(
    num_classes,
    input_size=224,
    width=1.0,
    decoder="full",
    decoder_channels=32,
    decoder_initializer="normal",
    refinement="reconstruct",
    pooling="mean",
    detach_map=False,
    attention_kernel=None,
    batch_norm="frozen",
    frozen_blocks=0,
    weights="bundled",
):
    """Builds SDKD's network.

    Args:
      num_classes: number of object labels.
      input_size: side of the square input in pixels, a multiple of 32.
      width: MobileNetV2's width multiplier.
      decoder: `full`, or `lite` with depthwise-separable convolutions.
      decoder_channels: width of the partial decoders.
      decoder_initializer: of the decoders' weights: `normal`, CPD's, or `glorot`.
      refinement: `conv`, `reconstruct` or `none`, see `refinement.refine`.
      pooling: `mean`, `mass` or `max`, see `masked_pooling`.
      detach_map: True keeps the classification's gradient out of the saliency map, which then only learns from masks and
        from the teacher's map; False, the paper's plain reading, lets the classification shape the map as well.
      attention_kernel: side of holistic attention's blur in map pixels; None takes CPD's share of the map, 31/88, made odd.
      batch_norm: `frozen` or `adapt`, see `backbone.set_batch_norm_policy`.
      frozen_blocks: how many of the first blocks keep their pretrained weights, 0 to 5.
      weights: see `backbone.mobilenet_v2`.

    Returns:
      A keras.Model from images `[batch, input_size, input_size, 3]`, RGB in [-1, 1], to a list in the order of `Outputs`.

    Raises:
      UserError: an argument is out of its range.
    """
    if num_classes < 2:
        raise UserError(f"num_classes is {num_classes}; expected at least 2")
    if decoder not in DECODERS:
        raise UserError(f"decoder is {decoder!r}; expected one of {', '.join(DECODERS)}")
    if decoder_initializer not in INITIALIZERS:
        raise UserError(f"decoder_initializer is {decoder_initializer!r}; expected one of {', '.join(INITIALIZERS)}")
    if pooling not in POOLINGS:
        raise UserError(f"pooling is {pooling!r}; expected one of {', '.join(POOLINGS)}")
    if attention_kernel is None:
        attention_kernel = 2 * round(input_size / 16 * 31 / 88 / 2) + 1

    backbone = mobilenet.mobilenet_v2(input_size, width, weights)
    block5 = backbone.get_layer(mobilenet.BLOCK_5_END).output

    convolution = functools.partial(DECODERS[decoder], initializer=decoder_initializer)

    def branch(x, name):
        block6 = mobilenet.copy_blocks(backbone, mobilenet.BLOCKS[6], x, f"{name}_")
        block7 = mobilenet.copy_blocks(backbone, mobilenet.BLOCKS[7], block6, f"{name}_")
        return partial_decoder(block7, block6, x, decoder_channels, f"{name}_decoder", conv=convolution)

    attention_logits = branch(block5, "attention")
    attended = holistic_attention(attention_logits, block5, attention_kernel, "holistic_attention")
    detection_logits = branch(attended, "detection")
    detection_logits, saliency = refine(detection_logits, refinement)

    weight = StopGradient(name="detached_saliency")(saliency) if detach_map else saliency
    pooled = masked_pooling(block5, weight, pooling)
    logits = layers.Dense(num_classes, name="logits")(pooled)

    model = keras.Model(
        backbone.input, list(Outputs(logits, saliency, attention_logits, detection_logits)), name="sdkd"
    )
    mobilenet.set_batch_norm_policy(model, batch_norm)
    mobilenet.freeze_blocks(model, frozen_blocks)
    return model
