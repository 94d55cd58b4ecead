"""From the network's small saliency map to the size of an image."""

import numpy as np


def upsample(saliency: np.ndarray, height: int, width: int) -> np.ndarray:
    """Stretches saliency maps as CPD does: bilinearly, before the sigmoid, so that an object's edge stays sharp.

    Args:
      saliency: `[..., h, w]` in [0, 1].
      height, width: of the result in pixels.

    Returns:
      float32 `[..., height, width]` in [0, 1].
    """
    inside = np.clip(np.asarray(saliency, np.float32), 1 / 512, 1 - 1 / 512)  # half an int8 step from 0 and 1
    rows, columns = (_bilinear(*sizes) for sizes in zip(inside.shape[-2:], (height, width)))
    return 1 / (1 + np.exp(-(rows @ np.log(inside / (1 - inside)) @ columns.T)))


def _bilinear(cells: int, pixels: int) -> np.ndarray:
    """Bilinear interpolation along one side as a matrix `[pixels, cells]`: half-pixel centres, border repeated."""
    centres = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    return np.stack([np.interp(centres, np.arange(cells), cell) for cell in np.eye(cells)], axis=1).astype(np.float32)
