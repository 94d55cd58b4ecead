"""Draws a saliency map over its image."""

import numpy as np
from PIL import Image

from sdkd_tf.data.images import crop_letterbox, letterbox
from sdkd_tf.evaluation.upsampling import upsample


def overlay(image: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Draws a saliency map over an image: what the map leaves out turns dark blue.

    Args:
      image: uint8 `[h, w, 3]`.
      saliency: `[any, any]` in [0, 1], stretched over the image.

    Returns:
      uint8 `[h, w, 3]`.
    """
    weight = upsample(saliency, *image.shape[:2])[..., None]
    shade = 0.25 * image.astype(np.float32) + np.array([0, 0, 70], np.float32)
    return np.round(weight * image + (1 - weight) * shade).astype(np.uint8)


def draw(image: Image.Image, saliency: np.ndarray) -> Image.Image:
    """Draws the map of a letterboxed image over the image, at its own size; the map's bars are cut off.

    Args:
      image: PIL image in mode RGB.
      saliency: `[any, any]` in [0, 1], of the square that `letterbox` made of the image.
    """
    square = overlay(letterbox(image, max(image.size)), saliency)
    return Image.fromarray(crop_letterbox(square, *image.size))
