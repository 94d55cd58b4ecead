import numpy as np
import pytest

from tools.render_benchmark import camera as cameras

CUBE = np.array([[x, y, z] for x in (-0.1, 0.1) for y in (-0.1, 0.1) for z in (0, 0.2)])


@pytest.mark.parametrize("side", [0.2, 0.4, 0.7])
def test_object_gets_the_wanted_side_within_the_frame(side):
    camera = cameras.Camera((0, 0, 0.1), azimuth=0.7, elevation=0.5, distance=1.0, roll=0.1)
    framed = cameras.frame_object(camera, side, np.array([0.8, -0.8]), CUBE)
    low, high = cameras.projected_box(framed, CUBE)
    assert (high - low).max() == pytest.approx(side, rel=0.01)
    assert low.min() > -0.5 and high.max() < 0.5


def test_view_puts_the_center_in_front_of_the_camera():
    camera = cameras.Camera((0, 0, 0.1), azimuth=2.0, elevation=0.4, distance=0.5)
    view = np.array(camera.view()).reshape(4, 4).T
    assert view @ [0, 0, 0.1, 1] == pytest.approx([0, 0, -0.5, 1])


def test_orbit_stays_within_the_elevations():
    orbit = cameras.draw_orbit(np.random.default_rng(0))
    low, high = np.radians(cameras.ELEVATION)
    assert all(low <= orbit.pose(share)[1] <= high for share in np.linspace(0, 1, 50))


def test_box():
    mask = np.zeros((8, 8), bool)
    assert cameras.box(mask) == (0, 0, 0, 0)
    mask[2:5, 1:7] = True
    assert cameras.box(mask) == (1, 2, 6, 3)
