"""From the network's small saliency map to the size of an image."""

import numpy as np
from PIL import Image


def upsample(saliency, height, width):
    """Stretches a saliency map as CPD does: bilinearly, before the sigmoid, so that an object's edge stays sharp.

    Args:
      saliency: `[h, w]` in [0, 1].
      height, width: of the result in pixels.

    Returns:
      float32 `[height, width]` in [0, 1].
    """
    inside = np.clip(np.asarray(saliency, np.float32), 1 / 512, 1 - 1 / 512)  # half an int8 step from 0 and 1
    logits = Image.fromarray(np.log(inside / (1 - inside))).resize((width, height), Image.Resampling.BILINEAR)
    return 1 / (1 + np.exp(-np.asarray(logits)))
