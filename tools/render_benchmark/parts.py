"""Models as files that the renderer loads, one part per material, kept in a cache folder."""

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile

import numpy as np
from PIL import Image

from sdkd_tf.data.rendered import cache_folder
from tools.render_benchmark import catalogue, meshes

SIZES = (0.10, 0.24)  # meters: range of the largest dimension; models outside of it are scaled, to fit on the table
TEXTURE_SIDE = 256  # pixels, at most: the renderer does not interpolate, so finer textures only add noise
CLEAR = 0.5  # opacity up to which a material, such as glass, is left out; others are drawn opaque
VERSION = 2  # of the cached files; increase it when they change


@dataclasses.dataclass(frozen=True)
class Part:
    """Triangles of one material.

    Attributes:
      mesh: an OBJ file.
      color: channels in [0, 1].
      texture: an image file, or None.
    """

    mesh: str
    color: tuple[float, float, float]
    texture: str | None


@dataclasses.dataclass(frozen=True)
class Model:
    """A model standing on z = 0, centered on the z axis.

    Attributes:
      parts: its Parts.
      size: (x, y, z) in meters, after scaling.
      scale: factor by which the renderer scales the files.
      outline: an .npy file with the distinct points of the model, before scaling.
    """

    parts: tuple[Part, ...]
    size: tuple[float, float, float]
    scale: float = 1.0
    outline: str | None = None

    def scaled(self, factor: float) -> "Model":
        """Returns the model scaled by a factor > 0."""
        return Model(self.parts, tuple(factor * side for side in self.size), factor * self.scale, self.outline)

    def points(self) -> np.ndarray:
        """Returns points (n, 3) in meters whose projection has the same bounding box as that of the model."""
        return np.load(self.outline, allow_pickle=False) * self.scale

    @property
    def radius(self) -> float:
        """Radius of the circle around the model seen from above, in meters."""
        return float(np.hypot(self.size[0], self.size[1]) / 2)


def parts_folder() -> pathlib.Path:
    """Returns the folder of the cached parts."""
    return cache_folder() / f"render-parts-{VERSION}"


def load(place: str, cache: pathlib.Path) -> Model:
    """Returns a model, which is prepared in the cache folder unless it is there.

    Args:
      place: `Archive#number` in the catalogue.
      cache: the cache folder. Several processes may use it at the same time.
    """
    folder = cache / place.replace("#", "-")
    if not (folder / "model.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(dir=cache))
        try:
            _cut(catalogue.find(place), temporary)
            os.replace(temporary, folder)
        except OSError:
            if not (folder / "model.json").exists():  # otherwise another process was faster
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    record = json.loads((folder / "model.json").read_text())
    parts = []
    for part in record["parts"]:
        texture = part["texture"] and str(folder / part["texture"])
        parts.append(Part(str(folder / part["mesh"]), tuple(part["color"]), texture))
    return Model(tuple(parts), tuple(record["size"]), outline=str(folder / "outline.npy"))


def place_upright(points: np.ndarray, entry: catalogue.Entry) -> tuple[np.ndarray, np.ndarray]:
    """Turns a model upright, scales it to its size in the catalogue, limited to SIZES, and centers it.

    Args:
      points: (n, 3), with y up, in any unit.
      entry: the model's entry in the catalogue.

    Returns:
      The points (n, 3) in meters with z up, standing on z = 0; the 3 x 3 matrix, applied before the translation.
    """
    upright = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    matrix = upright @ np.array(entry.rotation).reshape(3, 3)
    turned = points @ matrix.T
    extent = np.ptp(turned, axis=0)
    size = np.array(entry.size)
    size *= np.clip(size.max(), *SIZES) / size.max()
    matrix = np.diag(size / np.maximum(extent, 1e-9)) @ matrix
    placed = points @ matrix.T
    low, high = placed.min(axis=0), placed.max(axis=0)
    return placed - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], matrix


def _cut(entry: catalogue.Entry, folder: pathlib.Path) -> None:
    """Writes the files of a model: its parts, outline.npy and model.json."""
    visible = [mesh for mesh in meshes.load(catalogue.open_archive(entry.archive), entry.path) if mesh.opacity > CLEAR]
    points, matrix = place_upright(np.concatenate([mesh.points for mesh in visible]), entry)
    normal_matrix = np.linalg.inv(matrix)  # the transpose of the inverse, multiplied from the right
    record, first = [], 0
    for index, mesh in enumerate(visible):
        part_points = points[first : first + len(mesh.points)]
        first += len(mesh.points)
        normals = mesh.normals @ normal_matrix
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        name = f"{index:02d}.obj"
        (folder / name).write_text(meshes.format_object(part_points, mesh.uvs, normals))
        texture = None
        if mesh.texture:
            texture = f"{index:02d}.png"
            _opaque(mesh.texture, mesh.color).save(folder / texture)
        record.append({"mesh": name, "color": (1.0, 1.0, 1.0) if texture else mesh.color, "texture": texture})
    # Rounding to half a millimeter removes most points, and is far below a pixel.
    np.save(folder / "outline.npy", np.unique(np.round(points * 2000), axis=0) / 2000)
    size = np.ptp(points, axis=0).tolist()
    (folder / "model.json").write_text(json.dumps({"parts": record, "size": size}))


def _opaque(texture: Image.Image, color: tuple[float, float, float]) -> Image.Image:
    """Returns a texture without transparency, reduced to TEXTURE_SIDE.

    The renderer draws all texels opaque, so transparent ones get the color of the material.
    """
    texture = texture.convert("RGBA")
    back = Image.new("RGBA", texture.size, tuple(int(255 * value) for value in color))
    texture = Image.alpha_composite(back, texture).convert("RGB")
    texture.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.LANCZOS)
    return texture
