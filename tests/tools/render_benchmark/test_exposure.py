import numpy as np
import pytest

from tools.render_benchmark import exposure, levels


@pytest.mark.parametrize("level", levels.ILLUMINATION)
def test_mean_luminance_lies_in_the_range(level):
    colors = np.random.default_rng(0).uniform(60, 180, (64, 64, 3))
    picture = exposure.expose(colors, level, np.random.default_rng(1))
    assert picture.dtype == np.uint8
    assert level.luminance[0] <= exposure.mean_luminance(picture) <= level.luminance[1]


def test_white_is_255():
    assert exposure.mean_luminance(np.full((4, 4, 3), 255)) == pytest.approx(255)
