"""Bodies in a pybullet world, drawn by its software renderer."""

import dataclasses
from typing import Self

import numpy as np
import pybullet

from tools.render_benchmark.camera import Camera
from tools.render_benchmark.levels import Illumination
from tools.render_benchmark.parts import Model

SUPERSAMPLING = 2
LIGHT_DISTANCE = 2.0  # meters; from closer, the shadow map covers less of the table


@dataclasses.dataclass(frozen=True)
class Light:
    """Light of a frame.

    Attributes:
      direction: unit vector toward the light.
      tint: its color, channels in [0, 1].
      level: its coefficients.
    """

    direction: tuple[float, float, float]
    tint: tuple[float, float, float]
    level: Illumination


class Scene:
    """A pybullet world of named bodies."""

    def __init__(self):
        self._client = pybullet.connect(pybullet.DIRECT)
        self._ids: dict[str, list[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        pybullet.disconnect(self._client)

    def add(self, name: str, model: Model) -> None:
        """Adds a body at the origin."""
        ids = []
        for part in model.parts:
            shape = pybullet.createVisualShape(
                pybullet.GEOM_MESH,
                fileName=part.mesh,
                rgbaColor=[*part.color, 1],
                meshScale=[model.scale] * 3,
                physicsClientId=self._client,
            )
            body = pybullet.createMultiBody(0, -1, shape, physicsClientId=self._client)
            if part.texture:
                texture = pybullet.loadTexture(part.texture, physicsClientId=self._client)
                pybullet.changeVisualShape(body, -1, textureUniqueId=texture, physicsClientId=self._client)
            ids.append(body)
        self._ids[name] = ids

    def remove(self, name: str) -> None:
        """Removes a body."""
        for body in self._ids.pop(name):
            pybullet.removeBody(body, physicsClientId=self._client)

    def place(self, name: str, x: float, y: float, yaw: float) -> None:
        """Moves a body to (x, y) on the table, in meters, and turns it by yaw, in radians."""
        turn = [0, 0, float(np.sin(yaw / 2)), float(np.cos(yaw / 2))]
        for body in self._ids[name]:
            pybullet.resetBasePositionAndOrientation(body, [x, y, 0], turn, physicsClientId=self._client)

    def segment(self, camera: Camera, side: int) -> dict[str, np.ndarray]:
        """Returns the visible pixels of each body as a mask (side, side), by name; no shadows are drawn."""
        seen = self._image(camera, side, shadow=0)[4]
        return self._masks(seen.reshape(side, side))

    def draw(self, camera: Camera, side: int, light: Light) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Draws a frame with shadows.

        Returns:
          Colors (side, side, 3) in [0, 255]; by name of the body, the fraction of each pixel that it covers,
          (side, side) in [0, 1].
        """
        fine = side * SUPERSAMPLING
        level = light.level
        image = self._image(
            camera,
            fine,
            shadow=1,
            lightDirection=light.direction,
            lightColor=light.tint,
            lightDistance=LIGHT_DISTANCE,
            lightAmbientCoeff=level.ambient,
            lightDiffuseCoeff=level.diffuse,
            lightSpecularCoeff=level.specular,
        )
        colors = image[2].reshape(fine, fine, 4)[..., :3].astype(float)
        masks = self._masks(image[4].reshape(fine, fine))
        return downsample(colors), {name: downsample(mask.astype(float)) for name, mask in masks.items()}

    def coverage(self, camera: Camera, side: int, name: str) -> np.ndarray:
        """Returns the fraction of each pixel that a body covers, (side, side) in [0, 1]; no shadows are drawn."""
        return downsample(self.segment(camera, side * SUPERSAMPLING)[name].astype(float))

    def _masks(self, seen: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.isin(seen, ids) for name, ids in self._ids.items()}

    def _image(self, camera: Camera, side: int, **light) -> tuple:
        return pybullet.getCameraImage(
            side,
            side,
            camera.view(),
            camera.projection(),
            renderer=pybullet.ER_TINY_RENDERER,
            physicsClientId=self._client,
            **light,
        )


def downsample(fine: np.ndarray) -> np.ndarray:
    """Returns the mean of each square of SUPERSAMPLING x SUPERSAMPLING pixels."""
    side = len(fine) // SUPERSAMPLING
    return fine.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING, *fine.shape[2:]).mean(axis=(1, 3))
