"""The backbone: MobileNetV2 (Sandler et al., CVPR 2018), blocks 1-5 shared, a copy of blocks 6 and 7 per branch.

The paper's blocks 1 to 7 are the stages of inverted residuals in MobileNetV2; `BLOCKS` lists their Keras layers.
"""

import pathlib
import re
from collections.abc import Sequence
from typing import Annotated

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.errors import UserError
from sdkd_tf.model.weights import load_weights
from sdkd_tf.options import about

# Options of every network with this backbone.
InputSize = Annotated[int, about("Side of the network's input in pixels, a multiple of 32.", ge=64, multiple_of=32)]
Weights = Annotated[str, about("Of the backbone: bundled, imagenet (downloaded), none, or a .npz file.")]

BUNDLED_WEIGHTS = pathlib.Path(__file__).parents[1] / "weights" / "mobilenet_v2_1.0_224_no_top.npz"

BLOCKS = {
    1: ("Conv1", "bn_Conv1", "expanded_conv"),  # includes the stem
    2: ("block_1", "block_2"),
    3: ("block_3", "block_4", "block_5"),
    4: ("block_6", "block_7", "block_8", "block_9"),
    5: ("block_10", "block_11", "block_12"),
    6: ("block_13", "block_14", "block_15"),
    7: ("block_16",),
}
BLOCK_3_END, BLOCK_4_END, BLOCK_5_END = "block_5_add", "block_9_add", "block_12_add"


def mobilenet_v2(input_size: int, width: float = 1.0, weights: str = "bundled") -> keras.Model:
    """Builds the MobileNetV2 of keras.applications without its classification layer.

    Args:
      input_size: side of the square input in pixels, a multiple of 32.
      width: width multiplier (alpha) of MobileNetV2.
      weights: `bundled` (ImageNet, included in this package, width 1.0 only), `imagenet` (downloaded by Keras), `none`
        (random), or the path of an .npz file like the bundled one.

    Returns:
      A keras.Model whose input is `[batch, input_size, input_size, 3]`, RGB in [-1, 1].

    Raises:
      UserError: the weights cannot be read or do not fit the network.
    """
    from_keras = "imagenet" if weights == "imagenet" else None
    try:
        shape = input_size, input_size, 3
        model = keras.applications.MobileNetV2(shape, alpha=width, include_top=False, weights=from_keras)
    except Exception as error:  # Keras raises bare Exception when the download fails
        if from_keras is None:
            raise
        first_line = str(error).splitlines()[0]
        raise UserError(f"weights=imagenet could not be loaded by Keras ({first_line}); try weights=bundled") from error
    if weights not in ("imagenet", "none"):
        load_weights(model, BUNDLED_WEIGHTS if weights == "bundled" else pathlib.Path(weights).expanduser())
    return model


def copy_blocks(backbone: keras.Model, blocks: Sequence[str], x: tf.Tensor, prefix: str) -> tf.Tensor:
    """Applies a copy of some blocks of the backbone to another tensor, layer by layer, so that the graph stays flat.

    Args:
      backbone: result of `mobilenet_v2`; its weights are the initial weights of the copy.
      blocks: names from `BLOCKS`, in order.
      x: the tensor to apply them to, of the same shape as the input of the first block.
      prefix: prefix for the names of the copied layers, which must be unique in a graph.

    Returns:
      The output tensor of the last block.
    """
    layers = [layer for layer in backbone.layers if _belongs(layer, blocks)]
    copied: dict[str, tf.Tensor] = {}
    for layer in layers:
        copy = type(layer).from_config({**layer.get_config(), "name": prefix + layer.name})
        sources = layer.inbound_nodes[0].inbound_layers
        sources = sources if isinstance(sources, list) else [sources]
        inputs = [copied.get(source.name, x) for source in sources]
        copied[layer.name] = copy(inputs if len(inputs) > 1 else inputs[0])
        copy.set_weights(layer.get_weights())
    return copied[layers[-1].name]


def _belongs(layer: keras.layers.Layer, blocks: Sequence[str]) -> bool:
    return re.match(rf"({'|'.join(blocks)})(_|$)", layer.name) is not None


def freeze_blocks(model: keras.Model, count: int) -> None:
    """Freezes the first blocks at their pretrained weights.

    No gradient is computed for them, which saves time, and their features cannot be forgotten.

    Args:
      model: a network built on `mobilenet_v2`.
      count: number of frozen blocks, 0 to 5; block 1 includes the stem.
    """
    blocks = [name for number in range(1, count + 1) for name in BLOCKS[number]]
    for layer in model.layers:
        if blocks and _belongs(layer, blocks):
            layer.trainable = False


def freeze_batch_norm(model: keras.Model) -> None:
    """Freezes statistics, scale and offset at their pretrained values, so that training normalizes like inference.

    MobileNetV2's moving statistics have a momentum of 0.999. In the few hundred steps of a task they hardly change,
    while training mode already normalizes with the batches of the new task, so inference would no longer match
    training.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
