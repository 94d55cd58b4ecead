"""Distractors behind and beside the object."""

import dataclasses

import numpy as np

from tools.render_benchmark.camera import FIELD_OF_VIEW, Camera
from tools.render_benchmark.parts import Model

BEFORE, BEHIND = 0.02, 0.65  # meters from the object toward and away from the camera


def distractor_scale(target: Model) -> float:
    """Returns the factor by which distractors are scaled, so that they fit into the frame beside the object."""
    return float(np.clip(max(target.size) / 0.30, 0.45, 0.85))


@dataclasses.dataclass(frozen=True)
class Spot:
    """A place on the table, in meters and radians."""

    x: float
    y: float
    yaw: float


def draw_spot(camera: Camera, rng: np.random.Generator) -> Spot:
    """Draws a spot behind or beside the object, in the camera's view or just outside it."""
    depth = rng.uniform(-BEFORE, BEHIND)
    reach = camera.distance * np.cos(camera.elevation) + depth
    width = reach * np.tan(np.radians(FIELD_OF_VIEW) / 2) + 0.04
    facing = np.array([np.cos(camera.azimuth), np.sin(camera.azimuth)])
    right = np.array([-facing[1], facing[0]])
    x, y = -depth * facing + rng.uniform(-width, width) * right
    return Spot(float(x), float(y), float(rng.uniform(0, 2 * np.pi)))


def is_free(spot: Spot, model: Model, target: Model, others: list[tuple[Spot, Model]]) -> bool:
    """Whether the model at the spot touches neither the object at the origin nor the other models.

    Each footprint is approximated by a circle slightly smaller than the circumscribed circle of its box.
    """
    if np.hypot(spot.x, spot.y) < 0.9 * (model.radius + target.radius):
        return False
    return all(
        np.hypot(spot.x - other.x, spot.y - other.y) >= 0.75 * (model.radius + other_model.radius)
        for other, other_model in others
    )


def find_spot(
    camera: Camera, model: Model, target: Model, others: list[tuple[Spot, Model]], rng: np.random.Generator
) -> Spot | None:
    """Draws a free spot; None if none of thirty attempts is free."""
    for _ in range(30):
        spot = draw_spot(camera, rng)
        if is_free(spot, model, target, others):
            return spot
    return None
