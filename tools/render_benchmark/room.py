"""A room: a table top that extends to four walls, and a light."""

import dataclasses
import pathlib

import numpy as np
from PIL import Image

from tools.render_benchmark import meshes, seeds, textures
from tools.render_benchmark.parts import Model, Part

HALF = 1.9  # meters from the object to a wall; the camera stays closer
HEIGHT = 2.4  # meters
SEGMENTS = 3  # rooms per sequence
# Cells per side of a surface. The renderer drops triangles that extend behind the camera, so they have to be small.
CELLS = 16


@dataclasses.dataclass(frozen=True)
class Room:
    """The look of a room.

    Attributes:
      table: texture of the table, uint8 (side, side, 3).
      wall: texture of the walls, uint8 (side, side, 3).
      tile: number of cells per side that one copy of the table's texture covers.
      light: unit vector toward the light.
      tint: color of the light, channels in [0, 1].
      yaw: of the walls, in radians.
    """

    table: np.ndarray
    wall: np.ndarray
    tile: float
    light: tuple[float, float, float]
    tint: tuple[float, float, float]
    yaw: float


def draw(seed: int, split: str, task: int, segment: int) -> Room:
    """Draws the room of a segment, which is the same for all objects."""
    rng = seeds.generator(seed, "room", split, task, segment)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(40, 70))
    light = (np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation))
    warmth = rng.uniform(-0.12, 0.12)
    return Room(
        table=textures.draw(rng, textures.TABLE_PATTERNS),
        wall=textures.draw(rng, textures.WALL_PATTERNS),
        tile=float(rng.choice([1, 2, 4])),
        light=tuple(map(float, light)),
        tint=(min(1.0, 1 + warmth), 1.0 - abs(warmth) / 3, min(1.0, 1 - warmth)),
        yaw=float(rng.uniform(0, np.pi / 2)),
    )


def grid(origin: np.ndarray, across: np.ndarray, up: np.ndarray, cells: int, tile: float) -> tuple:
    """Cuts a rectangle into squares of two triangles each.

    Args:
      origin: its corner, (3,) in meters.
      across, up: its sides, (3,) in meters.
      cells: number of squares per side.
      tile: number of squares per side that one copy of the texture covers.

    Returns:
      (points, uvs, normals) as in a `meshes.Mesh`; uvs lie in [0, 1] in every square.
    """
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]], float)
    index = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1).reshape(-1, 1, 2)
    place = (index + corner).reshape(-1, 2) / cells
    points = origin + place[:, :1] * across + place[:, 1:] * up
    uvs = ((index % tile + corner) / tile).reshape(-1, 2)
    normal = np.cross(across, up)
    normals = np.broadcast_to(normal / np.linalg.norm(normal), points.shape)
    return points, uvs, normals


def surfaces(room: Room, folder: pathlib.Path) -> Model:
    """Writes the files of the table and the walls into a folder and returns them as a model."""
    table = grid(np.array([-HALF, -HALF, 0]), np.array([2 * HALF, 0, 0]), np.array([0, 2 * HALF, 0]), CELLS, room.tile)
    walls = []
    for quarter in range(4):
        cos, sin = np.cos(quarter * np.pi / 2), np.sin(quarter * np.pi / 2)
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        walls.append(grid(turn @ [HALF, HALF, 0], turn @ [0, -2 * HALF, 0], np.array([0, 0, HEIGHT]), CELLS // 2, 2))
    parts = []
    for name, mesh, texture in (
        ("table", table, room.table),
        ("wall", tuple(map(np.concatenate, zip(*walls, strict=True))), room.wall),
    ):
        path = folder / f"{name}.obj"
        path.write_text(meshes.format_object(*mesh))
        Image.fromarray(texture).save(folder / f"{name}.png", compress_level=1)
        parts.append(Part(str(path), (1.0, 1.0, 1.0), str(folder / f"{name}.png")))
    return Model(tuple(parts), (2 * HALF, 2 * HALF, HEIGHT))
