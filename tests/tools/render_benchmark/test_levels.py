import itertools

import pytest

from tools.render_benchmark import levels


def test_twelve_tasks_in_order():
    assert len(levels.TASKS) == 12
    assert levels.TASKS[0] == ("illumination", 1)
    assert levels.TASKS[5] == ("occlusion", 3)
    assert levels.TASKS[11] == ("clutter", 3)


@pytest.mark.parametrize("factor", levels.FACTORS)
def test_level_1_is_the_same_for_every_factor(factor):
    assert levels.condition(factor, 1) == levels.condition("illumination", 1)


@pytest.mark.parametrize("factor, level", levels.TASKS)
def test_other_factors_stay_at_level_1(factor, level):
    condition, base = levels.condition(factor, level), levels.condition("illumination", 1)
    if factor != "illumination":
        assert condition.illumination == base.illumination
    if factor != "pixel":
        assert condition.side == base.side
    if factor != "clutter":
        assert condition.distractors == (0, 0)
    if factor not in ("occlusion", "clutter"):
        assert condition.hidden == (0, 0)


def test_levels_of_a_factor_do_not_overlap():
    for ranges in (levels.OCCLUSION, levels.CLUTTER, levels.PIXEL[::-1]):
        assert all(low[1] < high[0] for low, high in itertools.pairwise(ranges))


def test_smallest_objects_are_below_30_pixels_of_128():
    assert levels.PIXEL[2][1] * 128 < 30


def test_inner_keeps_the_middle():
    assert levels.inner((0, 10), 0.6) == pytest.approx((2, 8))


def test_fewest_pixels_grow_with_the_area():
    assert levels.min_pixels(128) == 20
    assert levels.min_pixels(256) == 80
