"""Places an occluder in front of the object so that it hides a given fraction of it."""

from collections.abc import Callable

import numpy as np

from tools.render_benchmark.camera import Camera
from tools.render_benchmark.parts import Model

GAP = 0.005  # meters between the object and the occluder
STEPS = 12  # of the bisection of the sideways offset
TOLERANCE = 0.02  # of the hidden fraction


def half_depth(model: Model, yaw: float) -> float:
    """Returns half of the extent along the x axis of the model's box, turned by yaw, in meters."""
    return (abs(np.cos(yaw)) * model.size[0] + abs(np.sin(yaw)) * model.size[1]) / 2


def occluder_scale(target: Model, occluder: Model, rng: np.random.Generator, attempt: int) -> float:
    """Draws a scale at which the occluder is about as large as the object. It grows with each attempt."""
    ratio = rng.uniform(0.6, 0.9) * 1.1**attempt
    return ratio * max(target.size) / max(occluder.size)


def solve_offset(hidden_at: Callable[[float], float], goal: float, widest: float) -> float | None:
    """Searches for the offset at which a given fraction of the object is hidden.

    Args:
      hidden_at: offset -> hidden fraction, largest at 0 and 0 at `widest`; need not be monotonic in between.
      goal: the wanted fraction, in [0, 1].
      widest: the largest offset.

    Returns:
      An offset in [0, widest] at which the hidden fraction is within TOLERANCE of the goal, or None.
    """
    low, high = 0.0, widest
    if hidden_at(low) < goal - TOLERANCE:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        hidden = hidden_at(middle)
        if abs(hidden - goal) <= TOLERANCE:
            return middle
        low, high = (middle, high) if hidden > goal else (low, middle)
    return None


def position(camera: Camera, target: Model, occluder: Model, yaw: float, offset: float) -> tuple[float, float]:
    """Returns (x, y) of an occluder between the camera and the object, shifted by `offset` meters to the right."""
    facing = np.array([np.cos(camera.azimuth), np.sin(camera.azimuth)])
    right = np.array([-facing[1], facing[0]])
    depth = half_depth(target, camera.azimuth) + half_depth(occluder, yaw - camera.azimuth) + GAP
    x, y = depth * facing + offset * right
    return float(x), float(y)
