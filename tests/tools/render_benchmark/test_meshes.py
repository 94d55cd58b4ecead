import io
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("trimesh")

from tools.render_benchmark import meshes

# A square, a triangle by indices from the end, a square that comes back to the first material.
SQUARES = """mtllib some materials.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
usemtl red paint
f 1/1 2/2 3/3 4/1
usemtl glass
f -4 -3 -2
usemtl red paint
f 1/1 3/3 2/2
usemtl unknown
f 1 2 3
"""
MATERIALS = "newmtl red paint\nKd 1.5 0.25 0\nmap_Kd maps/cloth.png\nnewmtl glass\nKd 0 0 1\nd 0.5\n"


def load(text: str) -> list[meshes.Mesh]:
    image = io.BytesIO()
    Image.new("RGB", (2, 3)).save(image, "PNG")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("things/cup/cup.obj", text)
        archive.writestr("things/cup/some materials.mtl", MATERIALS)
        archive.writestr("things/cup/maps/cloth.png", image.getvalue())
        archive.writestr("things/cups/some materials.mtl", "newmtl red paint\nKd 0 0 0\n")
    return meshes.load(zipfile.ZipFile(buffer), "things/cup/cup.obj")


def corners(mesh: meshes.Mesh) -> set:
    """The triangles, whatever their order, each as the set of its corners' points and uvs."""
    rows = np.concatenate([mesh.points, mesh.uvs], axis=1).reshape(-1, 3, 5)
    return {frozenset(map(tuple, triangle.tolist())) for triangle in rows}


def test_polygons_become_triangles_by_material():
    paint, glass, unknown = load(SQUARES)
    assert paint.points.shape == (9, 3) and glass.points.shape == (3, 3) and unknown.points.shape == (3, 3)
    a, b, c, d = (0, 0, 0, 0, 0), (1, 0, 0, 1, 0), (1, 1, 0, 1, 1), (0, 1, 0, 0, 0)
    assert corners(paint) == {frozenset({a, b, c}), frozenset({a, c, d})}
    assert corners(glass) == {frozenset({(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, 0, 0, 0)})}
    assert sorted(paint.normals[:, 2]) == [-1] * 3 + [1] * 6  # the third triangle faces down


def test_materials():
    paint, glass, unknown = load(SQUARES)
    assert (paint.color, paint.opacity, paint.texture.size) == ((1, 0.25, 0), 1, (2, 3))
    assert (glass.color, glass.opacity, glass.texture) == ((0, 0, 1), 0.5, None)
    assert (unknown.color, unknown.opacity, unknown.texture) == ((0.8, 0.8, 0.8), 1, None)


def test_normals_of_the_file_win_over_those_of_the_triangles():
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nvn 1 0 0\nvn 0 1 0\nf 1//1 2//2 3//1\n"
    (mesh,) = load(text)
    normal_of = {tuple(point): tuple(normal) for point, normal in zip(mesh.points.tolist(), mesh.normals.tolist())}
    assert normal_of == {(0, 0, 0): (1, 0, 0), (1, 0, 0): (0, 1, 0), (1, 1, 0): (1, 0, 0)}


def test_a_fold_keeps_its_edge():
    """Without normals in the file, triangles that share an edge keep normals of their own."""
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 4 2\n"
    (mesh,) = load(text)
    assert {tuple(normal) for normal in mesh.normals.tolist()} == {(0, 0, 1), (0, 1, 0)}


def test_written_triangles_read_back():
    mesh = load(SQUARES)[0]
    (again,) = load(meshes.format_object(mesh.points, mesh.uvs, mesh.normals))
    assert corners(again) == corners(mesh)
    assert np.array_equal(np.sort(again.normals, axis=0), np.sort(mesh.normals, axis=0))
