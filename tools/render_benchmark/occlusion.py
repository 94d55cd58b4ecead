"""An occluder in front of the object that hides a wanted share of it."""

from collections.abc import Callable

import numpy as np

from tools.render_benchmark.camera import Camera
from tools.render_benchmark.parts import Model

GAP = 0.005  # metres between the object and the occluder
STEPS = 12  # halvings of the sideways offset
TOLERANCE = 0.02  # of the hidden share, at the low resolution


def half_depth(model: Model, yaw: float) -> float:
    """Returns how far the turned model's box reaches along the x axis, in metres."""
    return (abs(np.cos(yaw)) * model.size[0] + abs(np.sin(yaw)) * model.size[1]) / 2


def occluder_scale(target: Model, occluder: Model, rng: np.random.Generator, attempt: int) -> float:
    """Returns a scale that makes the occluder about as large as the object, larger with each attempt."""
    share = rng.uniform(0.6, 0.9) * 1.1**attempt
    return share * max(target.size) / max(occluder.size)


def solve_offset(hidden_at: Callable[[float], float], goal: float, widest: float) -> float | None:
    """Returns an offset in [0, widest] at which hidden_at(offset) is within TOLERANCE of goal, or None.

    hidden_at falls from its largest value at 0 to 0 at `widest`, not necessarily steadily.
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
    """Returns the (x, y) of an occluder between the camera and the object, `offset` metres to the right."""
    facing = np.array([np.cos(camera.azimuth), np.sin(camera.azimuth)])
    right = np.array([-facing[1], facing[0]])
    depth = half_depth(target, camera.azimuth) + half_depth(occluder, yaw - camera.azimuth) + GAP
    x, y = depth * facing + offset * right
    return float(x), float(y)
