"""Draws a saliency map over its image."""

import numpy as np
from PIL import Image

from sdkd_tf.data.images import crop_letterbox
from sdkd_tf.evaluation.upsampling import upsample

_FINEST = 1024  # pixels a side of the map that is drawn; a photo's own would take gigabytes


def draw(image: Image.Image, saliency: np.ndarray) -> Image.Image:
    """Draws the map of a letterboxed image over the image, at its own size: what the map leaves out turns dark blue.

    Args:
      image: PIL image in mode RGB.
      saliency: `[any, any]` in [0, 1], of the square that `letterbox` made of the image; the map's bars are cut off.
    """
    side = min(max(image.size), _FINEST)
    weight = crop_letterbox(upsample(saliency, side, side), *image.size)
    mask = Image.fromarray(np.round(255 * weight).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    shade = [value / 4 + blue for blue in (0, 0, 70) for value in range(256)]
    return Image.composite(image, image.point([round(value) for value in shade]), mask)
