"""CPD's decoder and Factor Transfer's autoencoder, pixel by pixel, from their papers and the structure of their code.

Images are `[h, w, channels]`. Weights are dicts of (kernel, bias) under the names of the authors' PyTorch modules, kernels
in PyTorch's layout: `[out, in, kh, kw]`, transposed ones `[in, out, kh, kw]`. `to_keras` turns both into Keras'.
"""

import numpy as np


def random_weights(rng, shapes):
    """Weights of about unit gain: {name: PyTorch kernel shape} to {name: (kernel, bias)}; `[in, out, ..]` for `deconv`."""
    weights = {}
    for name, shape in shapes.items():
        out = shape[1] if name.startswith("deconv") else shape[0]
        gain = np.sqrt(out / np.prod(shape))
        weights[name] = rng.normal(size=shape) * gain, rng.normal(size=out) * 0.3
    return weights


def to_keras(kernel, bias):
    """[out, in, kh, kw] to [kh, kw, in, out]; transposed: [in, out, kh, kw] to [kh, kw, out, in]."""
    return [kernel.transpose(2, 3, 1, 0), bias]


def conv(x, kernel, bias, dilation=1):
    """Cross-correlation, stride 1, zero padding that keeps the size."""
    h, w, _ = x.shape
    y = np.zeros((h, w, len(bias))) + bias
    for i in range(kernel.shape[2]):
        for j in range(kernel.shape[3]):
            for row in range(h):
                for column in range(w):
                    r = row + (i - kernel.shape[2] // 2) * dilation
                    c = column + (j - kernel.shape[3] // 2) * dilation
                    if 0 <= r < h and 0 <= c < w:
                        y[row, column] += kernel[:, :, i, j] @ x[r, c]
    return y


def transposed_conv(x, kernel, bias):
    """Every pixel adds its multiple of the 3x3 kernel to the output around it: stride 1, what falls outside is lost."""
    h, w, _ = x.shape
    y = np.zeros((h, w, len(bias))) + bias
    for row in range(h):
        for column in range(w):
            for i in range(3):
                for j in range(3):
                    r, c = row + i - 1, column + j - 1
                    if 0 <= r < h and 0 <= c < w:
                        y[r, c] += x[row, column] @ kernel[:, :, i, j]
    return y


def resize(x, height, width, align_corners=False):
    """Bilinear interpolation at half-pixel centers or with aligned corners, repeating the border."""

    def source(i, old, new):
        if align_corners:
            return i * (old - 1) / (new - 1)
        return min(max((i + 0.5) * old / new - 0.5, 0), old - 1)

    h, w, channels = x.shape
    y = np.zeros((height, width, channels))
    for row in range(height):
        for column in range(width):
            r, c = source(row, h, height), source(column, w, width)
            top, left = int(r), int(c)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            upper = x[top, left] * (1 - (c - left)) + x[top, right] * (c - left)
            lower = x[bottom, left] * (1 - (c - left)) + x[bottom, right] * (c - left)
            y[row, column] = upper * (1 - (r - top)) + lower * (r - top)
    return y


def rfb_shapes(channels_in, c):
    """Kernel shapes of CPD's RFB."""
    shapes = {"branch0.0": (c, channels_in, 1, 1)}
    for branch, k in ((1, 3), (2, 5), (3, 7)):
        shapes[f"branch{branch}.0"] = (c, channels_in, 1, 1)
        shapes[f"branch{branch}.1"] = (c, c, 1, k)
        shapes[f"branch{branch}.2"] = (c, c, k, 1)
        shapes[f"branch{branch}.3"] = (c, c, 3, 3)
    return {**shapes, "conv_cat": (c, 4 * c, 3, 3), "conv_res": (c, channels_in, 1, 1)}


def rfb(x, weights):
    """CPD's RFB: `[h, w, channels_in]` to `[h, w, c]`."""
    branches = [conv(x, *weights["branch0.0"])]
    for branch, dilation in ((1, 3), (2, 5), (3, 7)):
        y = x
        for step in range(3):
            y = conv(y, *weights[f"branch{branch}.{step}"])
        branches.append(conv(y, *weights[f"branch{branch}.3"], dilation))
    y = conv(np.concatenate(branches, axis=-1), *weights["conv_cat"])
    return np.maximum(y + conv(x, *weights["conv_res"]), 0)


def aggregation_shapes(c):
    """Kernel shapes of CPD's aggregation."""
    return {
        **{f"conv_upsample{i}": (c, c, 3, 3) for i in (1, 2, 3, 4)},
        "conv_upsample5": (2 * c, 2 * c, 3, 3),
        "conv_concat2": (2 * c, 2 * c, 3, 3),
        "conv_concat3": (3 * c, 3 * c, 3, 3),
        "conv4": (3 * c, 3 * c, 3, 3),
        "conv5": (1, 3 * c, 1, 1),
    }


def aggregation(x1, x2, x3, weights, align_corners):
    """CPD's aggregation; where a level is as large as the next one, CPD's upsampling between them is left out."""

    def up(x, like):
        return x if x.shape[:2] == like.shape[:2] else resize(x, 2 * x.shape[0], 2 * x.shape[1], align_corners)

    def apply(name, x):
        return conv(x, *weights[name])

    x2_1 = apply("conv_upsample1", up(x1, x2)) * x2
    x3_1 = apply("conv_upsample2", up(up(x1, x2), x3)) * apply("conv_upsample3", up(x2, x3)) * x3
    x2_2 = np.concatenate([x2_1, apply("conv_upsample4", up(x1, x2))], axis=-1)
    x2_2 = apply("conv_concat2", x2_2)
    x3_2 = np.concatenate([x3_1, apply("conv_upsample5", up(x2_2, x3))], axis=-1)
    x3_2 = apply("conv_concat3", x3_2)
    return apply("conv5", apply("conv4", x3_2))


def autoencoder_shapes(m):
    """Kernel shapes of Factor Transfer's paraphraser on one channel."""
    encoder = {"conv1": (1, 1, 3, 3), "conv2": (m, 1, 3, 3), "conv3": (m, m, 3, 3)}
    return {**encoder, "deconv1": (m, m, 3, 3), "deconv2": (m, 1, 3, 3), "deconv3": (1, 1, 3, 3)}


def encode(x, weights):
    """The translator: `[h, w, 1]` to `[h, w, m]`."""
    for name in ("conv1", "conv2", "conv3"):
        x = _leaky(conv(x, *weights[name]))
    return x


def decode(x, weights):
    """The paraphraser's second half: `[h, w, m]` to `[h, w, 1]`."""
    for name in ("deconv1", "deconv2", "deconv3"):
        x = _leaky(transposed_conv(x, *weights[name]))
    return x


def _leaky(x):
    return np.where(x > 0, x, 0.1 * x)
