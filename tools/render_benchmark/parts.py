"""Models cut into parts of one material each, as files that the renderer loads, kept in a cache folder."""

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

SIZES = (0.10, 0.24)  # metres: the largest dimension is brought into this range, so that all share one table
TEXTURE_SIDE = 256  # pixels: the renderer picks the nearest texel, so a finer texture only adds noise
CLEAR = 0.5  # opacity up to which a material (glass) is left out; the others are drawn opaque
VERSION = 2  # of the cached files


@dataclasses.dataclass(frozen=True)
class Part:
    """Triangles of one material: an OBJ file, a colour with channels in [0, 1] and a texture file or None."""

    mesh: str
    colour: tuple[float, float, float]
    texture: str | None


@dataclasses.dataclass(frozen=True)
class Model:
    """A model standing on z = 0, centred on the z axis.

    size is (x, y, z) in metres, `scale` included, by which the renderer enlarges the files' triangles;
    `outline` is a file with the points that span the model.
    """

    parts: tuple[Part, ...]
    size: tuple[float, float, float]
    scale: float = 1.0
    outline: str | None = None

    def scaled(self, factor: float) -> "Model":
        """Returns the model enlarged by a factor > 0."""
        return Model(self.parts, tuple(factor * side for side in self.size), factor * self.scale, self.outline)

    def points(self) -> np.ndarray:
        """Returns points (n, 3) in metres whose projection has the same box as the model's."""
        return np.load(self.outline, allow_pickle=False) * self.scale

    @property
    def radius(self) -> float:
        """Radius in metres of the circle around the model seen from above."""
        return float(np.hypot(self.size[0], self.size[1]) / 2)


def parts_folder() -> pathlib.Path:
    """Returns the folder of the cached parts."""
    return cache_folder() / f"render-parts-{VERSION}"


def load(place: str, cache: pathlib.Path) -> Model:
    """Returns the model at `Archive#number`, cutting it into the cache folder unless it is there."""
    folder = cache / place.replace("#", "-")
    if not (folder / "model.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(dir=cache))
        try:
            _cut(catalogue.find(place), temporary)
            os.replace(temporary, folder)
        except OSError:
            if not (folder / "model.json").exists():  # else another process was first
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    record = json.loads((folder / "model.json").read_text())
    parts = []
    for part in record["parts"]:
        texture = part["texture"] and str(folder / part["texture"])
        parts.append(Part(str(folder / part["mesh"]), tuple(part["colour"]), texture))
    return Model(tuple(parts), tuple(record["size"]), outline=str(folder / "outline.npy"))


def place_upright(points: np.ndarray, entry: catalogue.Entry) -> tuple[np.ndarray, np.ndarray]:
    """Returns the y-up points as z-up metres and the 3 x 3 matrix that was applied before the shift.

    The box gets the catalogue's size, scaled as a whole so that its largest side lies in SIZES.
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
    """Writes the files of a model into a folder."""
    visible = [mesh for mesh in meshes.load(catalogue.open_archive(entry.archive), entry.path) if mesh.opacity > CLEAR]
    points, matrix = place_upright(np.concatenate([mesh.points for mesh in visible]), entry)
    normal_matrix = np.linalg.inv(matrix)  # of the transpose of the inverse, applied from the right
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
        record.append({"mesh": name, "colour": (1.0, 1.0, 1.0) if texture else mesh.color, "texture": texture})
    # Half a millimetre is far below a pixel.
    np.save(folder / "outline.npy", np.unique(np.round(points * 2000), axis=0) / 2000)
    size = np.ptp(points, axis=0).tolist()
    (folder / "model.json").write_text(json.dumps({"parts": record, "size": size}))


def _opaque(texture: Image.Image, color: tuple[float, float, float]) -> Image.Image:
    """Returns a texture of at most TEXTURE_SIDE pixels a side that shows the material's color where it was transparent.

    The renderer draws every texel opaque.
    """
    texture = texture.convert("RGBA")
    back = Image.new("RGBA", texture.size, tuple(int(255 * value) for value in color))
    texture = Image.alpha_composite(back, texture).convert("RGB")
    texture.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.LANCZOS)
    return texture
