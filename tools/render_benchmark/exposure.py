"""From rendered colours to the picture a camera would store: exposure and sensor noise."""

import numpy as np

from tools.render_benchmark.levels import Illumination, inner

LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601


def mean_luminance(colours: np.ndarray) -> float:
    """Returns the mean luminance in [0, 255] of an RGB array."""
    return float((np.asarray(colours, float) @ LUMA).mean())


def expose(colours: np.ndarray, level: Illumination, rng: np.random.Generator) -> np.ndarray:
    """Returns RGB bytes at a mean luminance drawn from the middle of the level's range, with its noise."""
    goal = rng.uniform(*inner(level.luminance))
    bright = float(np.percentile(colours @ LUMA, 80))
    # Something large and dark in front must not wash out the rest.
    exposed = np.clip(colours * min(goal / max(mean_luminance(colours), 1.0), 245 / max(bright, 1.0)), 0, 255)
    # Grain is mostly brightness, with a little colour of its own.
    grey = rng.normal(0, level.noise, (*exposed.shape[:2], 1))
    colour = rng.normal(0, level.noise / 2, exposed.shape)
    return np.clip(np.round(exposed + grey + colour), 0, 255).astype(np.uint8)
