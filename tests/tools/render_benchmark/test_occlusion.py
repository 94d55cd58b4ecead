import pytest

from tools.render_benchmark import occlusion


def test_offset_at_which_the_wanted_share_is_hidden():
    offset = occlusion.solve_offset(lambda x: 0.8 * (1 - x), goal=0.5, widest=1.0)
    assert 0.8 * (1 - offset) == pytest.approx(0.5, abs=occlusion.TOLERANCE)


def test_no_offset_if_the_occluder_is_too_small():
    assert occlusion.solve_offset(lambda x: 0.3 * (1 - x), goal=0.5, widest=1.0) is None
