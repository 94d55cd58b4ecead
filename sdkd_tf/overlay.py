"""Draws a saliency map over its image."""

import numpy as np

from sdkd_tf.upsampling import upsample


def overlay(image, saliency):
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
