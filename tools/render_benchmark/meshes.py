"""Reads models of the furniture archives with trimesh, one mesh per material, and writes OBJ text for the renderer."""

import dataclasses
import io
import posixpath
import zipfile

import numpy as np
import trimesh
from PIL import Image


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Triangles of one material; row i of each array belongs to corner i, with three corners per triangle.

    Attributes:
      points: (3 * triangles, 3).
      uvs: (3 * triangles, 2), zeros where the file has none.
      normals: (3 * triangles, 3), not necessarily of unit length; those of the triangles where the file has none.
      color: diffuse color, channels in [0, 1].
      opacity: in [0, 1].
      texture: the image, or None.
    """

    points: np.ndarray
    uvs: np.ndarray
    normals: np.ndarray
    color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    opacity: float = 1.0
    texture: Image.Image | None = None


def load(archive: zipfile.ZipFile, path: str) -> list[Mesh]:
    """Reads an OBJ file of an archive, with the materials and textures beside it.

    Args:
      archive: an open zip archive.
      path: the OBJ file in it.

    Returns:
      One Mesh per material, in the order in which the file uses them.
    """
    folder = posixpath.dirname(path)
    beside = {name: io.BytesIO(archive.read(name)) for name in archive.namelist() if name.startswith(f"{folder}/")}
    resolver = trimesh.resolvers.ZipResolver(beside, namespace=folder)
    text = archive.read(path)
    scene = trimesh.load_scene(io.BytesIO(text), file_type="obj", resolver=resolver, process=False)
    # If the file has no normals, trimesh computes smooth ones, with which the edges of a box look round.
    smooth = b"\nvn " in text
    return [_unindexed(mesh, smooth) for mesh in reversed(scene.geometry.values())]


def _unindexed(mesh: trimesh.Trimesh, smooth: bool) -> Mesh:
    corners = mesh.faces.ravel()
    uvs = getattr(mesh.visual, "uv", None)
    material = getattr(mesh.visual, "material", None)
    properties = {}
    fields = getattr(material, "kwargs", {})  # the statements of the MTL file by their keywords
    if "kd" in fields:
        properties["color"] = tuple(np.clip(fields["kd"], 0, 1).tolist())
    if "d" in fields:
        properties["opacity"] = float(fields["d"][0])
    return Mesh(
        points=mesh.vertices[corners],
        uvs=np.zeros((len(corners), 2)) if uvs is None else uvs[corners],
        normals=mesh.vertex_normals[corners] if smooth else np.repeat(mesh.face_normals, 3, axis=0),
        texture=getattr(material, "image", None),
        **properties,
    )


def format_object(points: np.ndarray, uvs: np.ndarray, normals: np.ndarray) -> str:
    """Returns OBJ text of triangles; corner i is row i of the arrays, as in a Mesh."""
    lines = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in points]
    lines += [f"vt {u:.6g} {v:.6g}" for u, v in uvs]
    lines += [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in normals]
    first = range(1, len(points) + 1, 3)
    lines += [f"f {i}/{i}/{i} {i + 1}/{i + 1}/{i + 1} {i + 2}/{i + 2}/{i + 2}" for i in first]
    return "\n".join(lines) + "\n"
