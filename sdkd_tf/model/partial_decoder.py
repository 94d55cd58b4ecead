"""The partial decoder of the Cascaded Partial Decoder (Wu, Su, Huang, CVPR 2019, https://arxiv.org/abs/1904.08739).

Each of three levels of features goes through a receptive field block; then they are aggregated, deepest to shallowest,
into one map of saliency logits. Convolutions have a bias and no batch normalization, as in the VGG variant of the
authors' code (https://github.com/wuzhe71/CPD, model/CPD_models.py). Differences:

- MobileNetV2's two deepest levels have the same size; CPD's differ by a factor of 2. The shapes decide which is built.
- Upsampling uses half-pixel centers, which TF-MOT can quantize, instead of aligned corners.

With CPD's sizes and upsampling, the outputs of the full decoder equal those of CPD for the same weights.

The lite decoder is for phones (docs/deploy.md): depthwise separable convolutions, receptive field blocks that reduce
their input once instead of once a branch, and `shallow_decoder` for the attention branch.
"""

from collections.abc import Callable

import tensorflow as tf
import tf_keras as keras

layers = keras.layers

# CPD's initialization, with which every map starts at 0.5. With Glorot's (Glorot, Bengio, AISTATS 2010), the products
# of features give logits in the hundreds and thus saturated maps, through which no classification gradient flows.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}

Convolution = Callable[..., tf.Tensor]


def convolution(x: tf.Tensor, channels: int, kernel: int | tuple[int, int], name: str, dilation: int = 1) -> tf.Tensor:
    """A convolution with bias, as in CPD.

    Args:
      x: `[batch, h, w, c]`.
      channels: number of output channels.
      kernel: side of the kernel, or (height, width).
      name: name of the layer.
      dilation: dilation rate of the kernel.

    Returns:
      `[batch, h, w, channels]`, before any activation.
    """
    return layers.Conv2D(
        channels, kernel, padding="same", dilation_rate=dilation, kernel_initializer=INITIALIZER, name=name
    )(x)


def separable_convolution(
    x: tf.Tensor, channels: int, kernel: int | tuple[int, int], name: str, dilation: int = 1
) -> tf.Tensor:
    """A depthwise and a 1x1 convolution; for a 1x1 kernel, only the latter. Args and returns: see `convolution`."""
    if kernel != 1:
        x = depthwise_convolution(x, kernel, f"{name}_depthwise", dilation)
    return layers.Conv2D(channels, 1, kernel_initializer=INITIALIZER, name=name)(x)


def depthwise_convolution(x: tf.Tensor, kernel: int | tuple[int, int], name: str, dilation: int = 1) -> tf.Tensor:
    """A depthwise convolution without bias. Args and returns: see `convolution`."""
    # The product with the following 1x1 kernel then has the same standard deviation as a full kernel.
    unit = {"class_name": "RandomNormal", "config": {"stddev": 1.0}}
    return layers.DepthwiseConv2D(
        kernel, padding="same", dilation_rate=dilation, use_bias=False, depthwise_initializer=unit, name=name
    )(x)


def receptive_field_block(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    """RFB: four branches with growing receptive fields, fused, plus a 1x1 residual; ReLU only on the sum.

    Args:
      x: features `[batch, h, w, any]`.
      channels: number of channels of every branch and of the output.
      name: prefix of the layers' names.

    Returns:
      `[batch, h, w, channels]`, at least 0.
    """
    branches = [convolution(x, channels, 1, f"{name}_branch0")]
    for k in (3, 5, 7):
        y = convolution(x, channels, 1, f"{name}_branch{k}_reduce")
        y = convolution(y, channels, (1, k), f"{name}_branch{k}_row")
        y = convolution(y, channels, (k, 1), f"{name}_branch{k}_column")
        branches.append(convolution(y, channels, 3, f"{name}_branch{k}_dilated", dilation=k))
    y = layers.Concatenate(name=f"{name}_concat")(branches)
    y = convolution(y, channels, 3, f"{name}_fuse")
    residual = convolution(x, channels, 1, f"{name}_residual")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([y, residual]))


def lite_receptive_field_block(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    """An RFB with one reduction, which is also the residual, and one dilated depthwise convolution in each branch.

    Args and returns: see `receptive_field_block`.
    """
    reduced = convolution(x, channels, 1, f"{name}_reduce")
    branches = [depthwise_convolution(reduced, 3, f"{name}_branch{k}_dilated", dilation=k) for k in (3, 5, 7)]
    y = layers.Concatenate(name=f"{name}_concat")([reduced, *branches])
    y = convolution(y, channels, 1, f"{name}_fuse")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([y, reduced]))


def aggregation(x1: tf.Tensor, x2: tf.Tensor, x3: tf.Tensor, name: str, conv: Convolution = convolution) -> tf.Tensor:
    """CPD's aggregation: deeper features gate shallower ones by multiplication; then all are concatenated and fused.

    Args:
      x1: deepest features `[batch, h1, w1, c]`.
      x2: middle features `[batch, h2, w2, c]`, of the same size as x1 (MobileNetV2) or twice that (CPD).
      x3: shallowest features `[batch, h3, w3, c]`, of the same size as x2 or twice that.
      name: prefix of the layers' names.
      conv: `convolution` or `separable_convolution`.

    Returns:
      Saliency logits `[batch, h3, w3, 1]`.

    Raises:
      ValueError: a level has neither the size of the deeper one nor twice that size.
    """
    c = x1.shape[-1]

    def up(x: tf.Tensor, like: tf.Tensor, label: str) -> tf.Tensor:
        return upsample(x, like, f"{name}_up_{label}")

    x1 = up(x1, x2, "x1_to_x2")
    x2_gated = layers.Multiply(name=f"{name}_gate2")([conv(x1, c, 3, f"{name}_conv1"), x2])
    gate3 = layers.Multiply(name=f"{name}_gate3")(
        [conv(up(x1, x3, "x1"), c, 3, f"{name}_conv2"), conv(up(x2, x3, "x2"), c, 3, f"{name}_conv3")]
    )
    x3_gated = layers.Multiply(name=f"{name}_gated3")([gate3, x3])
    y2 = layers.Concatenate(name=f"{name}_concat2")([x2_gated, conv(x1, c, 3, f"{name}_conv4")])
    y2 = conv(y2, 2 * c, 3, f"{name}_fuse2")
    y3 = layers.Concatenate(name=f"{name}_concat3")([x3_gated, conv(up(y2, x3, "y2"), 2 * c, 3, f"{name}_conv5")])
    y3 = conv(y3, 3 * c, 3, f"{name}_fuse3")
    y3 = conv(y3, 3 * c, 3, f"{name}_conv6")
    return conv(y3, 1, 1, f"{name}_logits")


def upsample(x: tf.Tensor, like: tf.Tensor, name: str) -> tf.Tensor:
    """Doubles the height and width of `[batch, h, w, c]`, or leaves them, to be those of `like`."""
    size, wanted = tuple(x.shape[1:3]), tuple(like.shape[1:3])
    if wanted == size:
        return x
    if wanted != (2 * size[0], 2 * size[1]):
        raise ValueError(f"{name}: features of {size} meet features of {wanted}; expected the same size or twice that")
    return layers.UpSampling2D(2, interpolation="bilinear", name=name)(x)


def partial_decoder(
    x1: tf.Tensor, x2: tf.Tensor, x3: tf.Tensor, channels: int, name: str, lite: bool = False
) -> tf.Tensor:
    """Decodes three levels of features into saliency logits.

    Args:
      x1, x2, x3: features from deepest to shallowest (blocks 7, 6 and 5), sizes as in `aggregation`, any channels.
      channels: number of channels of the decoder, 32 in CPD.
      name: prefix of the layers' names.
      lite: whether to build the lite decoder.

    Returns:
      Saliency logits `[batch, h3, w3, 1]`, of the same height and width as x3.
    """
    block, conv = (lite_receptive_field_block, separable_convolution) if lite else (receptive_field_block, convolution)
    levels = [block(x, channels, f"{name}_rfb{i}") for i, x in enumerate((x1, x2, x3), start=1)]
    return aggregation(levels[0], levels[1], levels[2], name, conv)


def shallow_decoder(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
    """Decodes one level of features into saliency logits: the attention branch of the lite network, without blocks 6, 7.

    Args:
      x: features `[batch, h, w, any]`.
      channels: number of channels of the decoder.
      name: prefix of the layers' names.

    Returns:
      Saliency logits `[batch, h, w, 1]`.
    """
    y = lite_receptive_field_block(x, channels, f"{name}_rfb1")
    y = lite_receptive_field_block(y, channels, f"{name}_rfb2")
    y = layers.ReLU(name=f"{name}_relu")(separable_convolution(y, channels, 3, f"{name}_conv"))
    return separable_convolution(y, 1, 1, f"{name}_logits")
