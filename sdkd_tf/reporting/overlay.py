"""Draws a saliency map over its image."""

import numpy as np
from PIL import Image

from sdkd_tf.data.images import crop_letterbox
from sdkd_tf.evaluation.upsampling import upsample

_MAX_SIDE = 1024  # of the upsampled map, in pixels; at the size of a photo it could take gigabytes


def draw(image: Image.Image, saliency: np.ndarray) -> Image.Image:
    """Draws a saliency map over an image in its original size: parts that are not salient turn dark blue.

    Args:
      image: PIL image in mode RGB.
      saliency: map of the letterboxed image, `[h, w]` in [0, 1]; its bars are cropped.
    """
    side = min(max(image.size), _MAX_SIDE)
    weight = crop_letterbox(upsample(saliency, side, side), *image.size)
    mask = Image.fromarray(np.round(255 * weight).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    shade = [value / 4 + blue for blue in (0, 0, 70) for value in range(256)]
    return Image.composite(image, image.point([round(value) for value in shade]), mask)
