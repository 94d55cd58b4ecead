"""Draws a saliency map over its image."""

import numpy as np
from PIL import Image


def overlay(image, saliency):
    """Draws a saliency map over an image: what the map leaves out turns dark blue.

    Args:
      image: uint8 `[h, w, 3]`.
      saliency: `[any, any]` in [0, 1], stretched bilinearly over the image.

    Returns:
      uint8 `[h, w, 3]`.
    """
    h, w = image.shape[:2]
    weight = Image.fromarray(np.asarray(saliency, np.float32)).resize((w, h), Image.Resampling.BILINEAR)
    weight = np.clip(np.asarray(weight), 0, 1)[..., None]
    shade = 0.25 * image.astype(np.float32) + np.array([0, 0, 70], np.float32)
    return np.round(weight * image + (1 - weight) * shade).astype(np.uint8)
