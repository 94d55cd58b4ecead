"""The partial decoder of the Cascaded Partial Decoder (Wu, Su, Huang, CVPR 2019, https://arxiv.org/abs/1904.08739).

Three levels of features go through a receptive field block each and are aggregated, deepest to shallowest, into one map
of saliency logits. It has no batch norm (as CPD's VGG variant) and only uses layers that TF-MOT can quantize.
"""

import tf_keras as keras

layers = keras.layers


def _conv(x, channels, kernel, name, dilation=1):
    return layers.Conv2D(channels, kernel, padding="same", dilation_rate=dilation, name=name)(x)


def receptive_field_block(x, channels, name):
    """RFB: four branches of growing receptive field, concatenated, plus a 1x1 residual; ReLU on the sum only.

    Args:
      x: features `[batch, h, w, any]`.
      channels: width of every branch and of the output.
      name: prefix of the layers' names.

    Returns:
      `[batch, h, w, channels]`, at least 0.
    """
    branches = [_conv(x, channels, 1, f"{name}_branch0")]
    for k in (3, 5, 7):
        y = _conv(x, channels, 1, f"{name}_branch{k}_reduce")
        y = _conv(y, channels, (1, k), f"{name}_branch{k}_row")
        y = _conv(y, channels, (k, 1), f"{name}_branch{k}_column")
        branches.append(_conv(y, channels, 3, f"{name}_branch{k}_dilated", dilation=k))
    y = layers.Concatenate(name=f"{name}_concat")(branches)
    y = _conv(y, channels, 3, f"{name}_fuse")
    residual = _conv(x, channels, 1, f"{name}_residual")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([y, residual]))


def aggregation(x1, x2, x3, name):
    """CPD's dense aggregation: deeper maps gate shallower ones by multiplication, then all are concatenated and fused.

    In MobileNetV2 blocks 6 and 7 share a stride, so the two deepest maps have one size and only the step to the
    shallowest is upsampled.

    Args:
      x1: deepest features `[batch, h, w, c]`.
      x2: middle features `[batch, h, w, c]`.
      x3: shallowest features `[batch, 2h, 2w, c]`.
      name: prefix of the layers' names.

    Returns:
      Saliency logits `[batch, 2h, 2w, 1]`.
    """
    c = x1.shape[-1]

    def up(x, label):
        return layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up_{label}")(x)

    x2_gated = layers.Multiply(name=f"{name}_gate2")([_conv(x1, c, 3, f"{name}_conv1"), x2])
    gate3 = layers.Multiply(name=f"{name}_gate3")(
        [_conv(up(x1, "x1"), c, 3, f"{name}_conv2"), _conv(up(x2, "x2"), c, 3, f"{name}_conv3")]
    )
    x3_gated = layers.Multiply(name=f"{name}_gated3")([gate3, x3])
    y2 = layers.Concatenate(name=f"{name}_concat2")([x2_gated, _conv(x1, c, 3, f"{name}_conv4")])
    y2 = _conv(y2, 2 * c, 3, f"{name}_fuse2")
    y3 = layers.Concatenate(name=f"{name}_concat3")([x3_gated, _conv(up(y2, "y2"), 2 * c, 3, f"{name}_conv5")])
    y3 = _conv(y3, 3 * c, 3, f"{name}_fuse3")
    y3 = _conv(y3, 3 * c, 3, f"{name}_conv6")
    return _conv(y3, 1, 1, f"{name}_logits")


def partial_decoder(x1, x2, x3, channels, name):
    """Decodes three levels of features into saliency logits.

    Args:
      x1, x2: features of blocks 7 and 6, `[batch, h, w, any]`.
      x3: features of block 5, `[batch, 2h, 2w, any]`.
      channels: width of the decoder, 32 in CPD.
      name: prefix of the layers' names.

    Returns:
      Saliency logits `[batch, 2h, 2w, 1]`.
    """
    levels = [receptive_field_block(x, channels, f"{name}_rfb{i}") for i, x in enumerate((x1, x2, x3), start=1)]
    return aggregation(*levels, name=name)
