"""The whole network (SDKD paper, figures 2 and 3) as one flat Functional graph.

image -> blocks 1-5 -+-> blocks 6, 7 -> partial decoder -> holistic attention -+     attention branch
                     +------------------------(x)<-----------------------------+
                     |                         +-> blocks 6, 7 -> partial decoder -> refined layer    detection branch
                     +-------------------------------------------------------(x)<-------+
                                                                              +-> pooling -> FC -> logits
"""

import dataclasses
from typing import Annotated, Any, Literal, NamedTuple

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model import backbone as mobilenet
from sdkd_tf.model.embedding import embed
from sdkd_tf.model.holistic_attention import holistic_attention
from sdkd_tf.model.partial_decoder import partial_decoder, shallow_decoder
from sdkd_tf.model.refinement import refine
from sdkd_tf.model.weights import load_weights
from sdkd_tf.options import about

layers = keras.layers

# Pretrained on rendered masks by tools/pretrain_saliency: both branches, and the decoders of the lite network, whose
# blocks 6 and 7 are those of the detection branch.
BUNDLED_BRANCHES = mobilenet.BUNDLED_WEIGHTS.with_name("saliency_branches.npz")
BUNDLED_LITE_DECODERS = mobilenet.BUNDLED_WEIGHTS.with_name("lite_decoders.npz")


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """Options of SDKD's network."""

    input_size: mobilenet.InputSize = 128
    decoder: Annotated[Literal["full", "lite"], about("Partial decoders; lite: for phones.")] = "full"
    pooling: Annotated[Literal["mean", "mass"], about("mass: the mean divided by the map's mean.")] = "mass"
    embedding: Annotated[
        Literal["blocks", "unmasked", "block5"],
        about("Features before the FC layer; unmasked: without the map; block5: as in the paper.", research=True),
    ] = "blocks"
    detach_map: Annotated[
        bool | None, about("Do not train the map by classification; by default, if masks or pretraining train it.")
    ] = None
    frozen_blocks: Annotated[int, about("Blocks 1 to this number are not trained.", ge=0, le=5)] = 3
    weights: mobilenet.Weights = "bundled"
    pretrained_branches: Annotated[bool, about("Begin with bundled weights of the branches.", research=True)] = True
    width: Annotated[float, about("Width multiplier of MobileNetV2.", gt=0, research=True)] = 1.0
    decoder_channels: Annotated[int, about("Channels of the partial decoders.", ge=1, research=True)] = 32

    @property
    def marks_objects(self) -> bool:
        """Whether the network starts with branches that were pretrained on masks."""
        fits = (self.decoder_channels, self.width) == (32, 1.0)
        return self.pretrained_branches and self.weights != "none" and fits


class Outputs(NamedTuple):
    """The outputs of a network, in this order. A network without saliency returns only logits; its maps are None.

    Attributes:
      logits: `[batch, classes]`.
      saliency: the refined map in [0, 1], `[batch, input_size / 16, input_size / 16, 1]`.
      attention_logits, detection_logits: the maps of the two branches before the sigmoid, supervised by masks.
    """

    logits: tf.Tensor
    saliency: tf.Tensor = None
    attention_logits: tf.Tensor = None
    detection_logits: tf.Tensor = None


def as_outputs(returned: Any) -> Outputs:
    """Names the outputs of a network, with or without saliency."""
    return Outputs(*returned) if isinstance(returned, (list, tuple)) else Outputs(returned)


@keras.saving.register_keras_serializable("sdkd")
class StopGradient(keras.layers.Layer):
    """The identity, without a gradient."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.stop_gradient(x)


def build_network(num_classes: int, options: NetworkOptions = NetworkOptions()) -> keras.Model:
    """Builds SDKD's network.

    Args:
      num_classes: number of object labels, at least 2.
      options: see NetworkOptions. With `detach_map`, the saliency map is trained only by masks and the teacher's map;
        otherwise, which is how the paper reads, the classification trains it as well.

    Returns:
      A keras.Model from images `[batch, input_size, input_size, 3]`, RGB in [-1, 1], to a list like `Outputs`.

    Raises:
      UserError: the weights cannot be read or do not fit.
    """
    backbone = mobilenet.mobilenet_v2(options.input_size, options.width, options.weights)
    block5 = backbone.get_layer(mobilenet.BLOCK_5_END).output
    kernel = 2 * round(options.input_size / 16 * 31 / 88 / 2) + 1  # CPD's ratio to the side of the map, made odd

    lite, channels = options.decoder == "lite", options.decoder_channels

    def branch(x: tf.Tensor, name: str) -> tuple[tf.Tensor, tf.Tensor]:
        block6 = mobilenet.copy_blocks(backbone, mobilenet.BLOCKS[6], x, f"{name}_")
        block7 = mobilenet.copy_blocks(backbone, mobilenet.BLOCKS[7], block6, f"{name}_")
        return block6, partial_decoder(block7, block6, x, channels, f"{name}_decoder", lite=lite)

    if lite:
        attention_logits = shallow_decoder(block5, channels, "attention_decoder")
    else:
        _, attention_logits = branch(block5, "attention")
    attended = holistic_attention(attention_logits, block5, kernel, "holistic_attention")
    block6, detection_logits = branch(attended, "detection")
    saliency = refine(detection_logits)

    weight = StopGradient(name="detached_saliency")(saliency) if options.detach_map else saliency
    if options.embedding == "block5":
        embedding = embed([block5], weight, options.pooling)
    else:
        block3, block4 = (backbone.get_layer(name).output for name in (mobilenet.BLOCK_3_END, mobilenet.BLOCK_4_END))
        mask = None if options.embedding == "unmasked" else weight
        embedding = embed([block3, block4, block5, block6], mask, options.pooling, context=block5)
    logits = layers.Dense(num_classes, name="logits")(embedding)

    outputs = list(Outputs(logits, saliency, attention_logits, detection_logits))
    model = keras.Model(backbone.input, outputs, name="sdkd")
    if options.marks_objects:
        changed = branch_layers(model)
        if lite:
            load_weights(model, BUNDLED_LITE_DECODERS, [layer for layer in changed if "decoder" in layer.name])
            changed = [layer for layer in changed if "decoder" not in layer.name]
        load_weights(model, BUNDLED_BRANCHES, changed)
    mobilenet.freeze_batch_norm(model)
    mobilenet.freeze_blocks(model, options.frozen_blocks)
    return model


def branch_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network that pretraining on masks changes: both branches, without batch normalization."""
    return [
        layer
        for layer in model.layers
        if layer.weights
        and layer.name.startswith(("attention_", "detection_"))
        and not isinstance(layer, layers.BatchNormalization)
    ]
