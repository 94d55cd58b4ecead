"""Upsamples the network's saliency map to the size of an image."""

import numpy as np


def upsample(saliency: np.ndarray, height: int, width: int) -> np.ndarray:
    """Upsamples saliency maps as CPD does: bilinearly and before the sigmoid, which keeps edges of objects sharp.

    Args:
      saliency: `[..., h, w]` in [0, 1].
      height, width: size of the result in pixels.

    Returns:
      float32 `[..., height, width]` in [0, 1].
    """
    inside = np.clip(np.asarray(saliency, np.float32), 1 / 512, 1 - 1 / 512)  # half an int8 step from 0 and 1
    rows, columns = (_bilinear(*sizes) for sizes in zip(inside.shape[-2:], (height, width)))
    return 1 / (1 + np.exp(-(rows @ np.log(inside / (1 - inside)) @ columns.T)))


def _bilinear(cells: int, pixels: int) -> np.ndarray:
    """Bilinear interpolation along one axis as a matrix `[pixels, cells]`: half-pixel centers, repeated border."""
    centers = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    return np.stack([np.interp(centers, np.arange(cells), cell) for cell in np.eye(cells)], axis=1).astype(np.float32)
