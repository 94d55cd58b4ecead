import numpy as np

from tools.render_benchmark import wavefront

SQUARE = """mtllib a.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
usemtl paint
f 1/1 2/2 3/3 4/1
usemtl glass
f -4 -3 -2
"""


def test_polygons_become_triangles_by_material():
    paint, glass = wavefront.parse_object(SQUARE)
    assert (paint.material, glass.material) == ("paint", "glass")
    assert paint.points.shape == (6, 3) and glass.points.shape == (3, 3)
    assert np.array_equal(paint.uvs[2], [1, 1])
    assert np.allclose(paint.normals, [0, 0, 1])
    assert np.array_equal(glass.points, paint.points[:3])


def test_written_triangles_read_back():
    mesh = wavefront.parse_object(SQUARE)[0]
    again = wavefront.parse_object(wavefront.format_object(mesh.points, mesh.uvs, mesh.normals))[0]
    assert np.array_equal(again.points, mesh.points) and np.array_equal(again.uvs, mesh.uvs)


def test_materials():
    text = "newmtl red paint\nKd 1 0 0\nd 0.5\nnewmtl cloth\nmap_Kd folder\\cloth.jpg\n"
    materials = wavefront.parse_materials(text)
    assert materials["red paint"] == wavefront.Material((1, 0, 0), 0.5)
    assert materials["cloth"].texture == "folder/cloth.jpg"
