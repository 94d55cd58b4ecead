"""Exposure and sensor noise, which turn rendered colors into the image that a camera would store."""

import numpy as np

from tools.render_benchmark.levels import Illumination, inner

LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601


def mean_luminance(colors: np.ndarray) -> float:
    """Returns the mean luminance of an RGB array (height, width, 3); both in [0, 255]."""
    return float((np.asarray(colors, float) @ LUMA).mean())


def expose(colors: np.ndarray, level: Illumination, rng: np.random.Generator) -> np.ndarray:
    """Exposes an image at a mean luminance drawn from the middle of the level's range, and adds noise.

    Args:
      colors: (height, width, 3), in [0, 255].
      level: the luminance range and the noise.
      rng: the source of randomness.

    Returns:
      uint8 (height, width, 3).
    """
    goal = rng.uniform(*inner(level.luminance))
    bright = float(np.percentile(colors @ LUMA, 80))
    # A large dark object must not overexpose the rest.
    exposed = np.clip(colors * min(goal / max(mean_luminance(colors), 1.0), 245 / max(bright, 1.0)), 0, 255)
    # Sensor noise is mostly noise in brightness, with less in color.
    gray = rng.normal(0, level.noise, (*exposed.shape[:2], 1))
    color = rng.normal(0, level.noise / 2, exposed.shape)
    return np.clip(np.round(exposed + gray + color), 0, 255).astype(np.uint8)
