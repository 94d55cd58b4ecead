"""Wavefront OBJ and MTL text, read into triangles grouped by material."""

import dataclasses
import itertools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Material:
    """A surface: diffuse colour in [0, 1], opacity in [0, 1] and the name of a texture file or None."""

    colour: tuple[float, float, float] = (0.8, 0.8, 0.8)
    alpha: float = 1.0
    texture: str | None = None


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Triangles of one material; row i of each array belongs to corner i, three corners a triangle."""

    material: str
    points: np.ndarray  # (3 * triangles, 3)
    uvs: np.ndarray  # (3 * triangles, 2)
    normals: np.ndarray  # (3 * triangles, 3), unit length


def parse_materials(text: str) -> dict[str, Material]:
    """Returns the materials of an MTL file by name."""
    fields: dict[str, dict] = {}
    current: dict = {}
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        key = words[0].lower()
        if key == "newmtl":
            current = fields.setdefault(line.split(None, 1)[1].strip(), {})
        elif key == "kd":
            current["colour"] = tuple(min(max(float(word), 0.0), 1.0) for word in words[1:4])
        elif key == "d" and words[1] != "-halo":
            current["alpha"] = float(words[1])
        elif key == "map_kd":
            current["texture"] = words[-1].replace("\\", "/")
    return {name: Material(**values) for name, values in fields.items()}


def _corner(word: str, counts: tuple[int, int, int]) -> tuple[int, int, int]:
    """The (point, uv, normal) indices of `v/vt/vn`, from 0, or -1 where the file gives none."""
    indices = []
    for value, count in zip((word.split("/") + ["", ""])[:3], counts, strict=True):
        index = int(value) if value else 0
        indices.append(index - 1 if index > 0 else count + index if index < 0 else -1)
    return tuple(indices)


def parse_object(text: str) -> list[Mesh]:
    """Returns the meshes of an OBJ file, one for each material used, polygons cut into fans of triangles."""
    points, uvs, normals = [], [], []
    corners: dict[str, list] = {}
    material = ""
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            points.append(tuple(map(float, words[1:4])))
        elif words[0] == "vt":
            uvs.append(tuple(map(float, words[1:3])))
        elif words[0] == "vn":
            normals.append(tuple(map(float, words[1:4])))
        elif words[0] == "usemtl":
            material = line.split(None, 1)[1].strip()
        elif words[0] == "f":
            counts = (len(points), len(uvs), len(normals))
            face = [_corner(word, counts) for word in words[1:]]
            for second, third in itertools.pairwise(face[1:]):
                corners.setdefault(material, []).extend((face[0], second, third))
    # One more row, of zeros, answers the index -1.
    point_table = np.array(points, float).reshape(-1, 3)
    uv_table = np.array(uvs + [(0.0, 0.0)], float).reshape(-1, 2)
    normal_table = np.array(normals + [(0.0, 0.0, 0.0)], float).reshape(-1, 3)
    meshes = []
    for name, rows in corners.items():
        index = np.array(rows)
        mesh_points = point_table[index[:, 0]]
        mesh_normals = _unit(normal_table[index[:, 2]], fallback=face_normals(mesh_points))
        meshes.append(Mesh(name, mesh_points, uv_table[index[:, 1]], mesh_normals))
    return meshes


def face_normals(points: np.ndarray) -> np.ndarray:
    """Returns the unit normal of each triangle, repeated for its three corners."""
    triangles = points.reshape(-1, 3, 3)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals = np.repeat(normals, 3, axis=0)
    return _unit(normals, fallback=np.broadcast_to([0.0, 0.0, 1.0], normals.shape))


def _unit(vectors: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 1e-12, vectors / np.maximum(lengths, 1e-12), fallback)


def format_object(points: np.ndarray, uvs: np.ndarray, normals: np.ndarray) -> str:
    """Returns OBJ text of triangles whose corner i is row i of the arrays."""
    lines = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in points]
    lines += [f"vt {u:.6g} {v:.6g}" for u, v in uvs]
    lines += [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in normals]
    first = range(1, len(points) + 1, 3)
    lines += [f"f {i}/{i}/{i} {i + 1}/{i + 1}/{i + 1} {i + 2}/{i + 2}/{i + 2}" for i in first]
    return "\n".join(lines) + "\n"
