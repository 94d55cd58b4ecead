import functools

import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.data.difficulty import views
from sdkd_tf.data.difficulty.statistics import Difficulty, measure

EASIEST = Difficulty(side=1.0, luminance=1.0, noise=0.0, visible=1.0)


@functools.cache
def compiled(function):
    return tf.function(function)


def show(image, mask, row, seed=0):
    """`views.show` as NumPy arrays."""
    row, seed = tf.constant(row, tf.float32), tf.constant([seed, 5], tf.int64)
    return tuple(part.numpy() for part in compiled(views.show)(tf.constant(image), tf.constant(mask), row, seed))


def measured(image, mask):
    return Difficulty(*compiled(measure)(tf.constant(image), tf.constant(mask)).numpy())


def rows_of(bundled, task):
    return [measured(*pair) for pair in bundled(task)]


def is_red(image):
    """Where the disk shows."""
    return image[..., 0] > 2 * image[..., 1]


@pytest.mark.parametrize("side", [0.1, 0.25, 0.5])
def test_the_object_gets_the_side_of_the_row_and_shows_once(disk, side):
    places = set()
    for seed in range(20):
        image, mask = show(*disk, EASIEST._replace(side=side), seed)
        assert measured(image, mask).side == pytest.approx(side, abs=1.5 / 96)
        assert set(np.unique(mask)) == {0.0, 1.0}
        assert (is_red(image) != (mask[..., 0] > 0)).sum() <= 0.1 * mask.sum() + 4  # the mask is where the disk is
        places.add(tuple(np.argwhere(mask[..., 0]).mean(axis=0).astype(int)))
    assert len(places) > 10


def test_the_free_border_shows_the_surroundings(disk):
    for seed in range(10):
        image, mask = (part.numpy() for part in views.shrink(*map(tf.constant, disk), 0.3, [seed, 5]))
        around = image[(mask[..., 0] == 0) & ~is_red(image)]
        # The gray is 0.4 to 0.7; where the disk's edge is mixed with it, red and green leave it a little.
        assert np.mean((around > 0.39) & (around < 0.71)) > 0.98


def test_the_side_is_that_of_what_is_left_of_a_covered_object(disk):
    for seed in range(20):
        image, mask = show(*disk, EASIEST._replace(side=0.3, visible=0.4), seed)
        assert measured(image, mask).side == pytest.approx(0.3, abs=2.5 / 96)
        assert (is_red(image) & (mask[..., 0] == 0)).sum() <= 0.25 * mask.sum()  # none in the border


@pytest.mark.parametrize("place", [(0, 30, 20, 50), (60, 96, 0, 20), (0, 96, 40, 60), (0, 96, 0, 96), (30, 31, 10, 90)])
def test_objects_at_the_edge_and_thin_ones(disk, place):
    top, bottom, left, right = place
    mask = np.zeros((96, 96, 1), np.float32)
    mask[top:bottom, left:right] = 1.0
    image = np.where(mask > 0, np.float32([0.8, 0.2, 0.1]), disk[0][:1, :1])
    for seed in range(10):
        shown, now = show(image, mask, EASIEST._replace(side=0.2), seed)
        assert measured(shown, now).side == pytest.approx(0.2, abs=2.5 / 96)
        assert now[0].any() == mask[0].any() and now[:, 0].any() == mask[:, 0].any()
        shown, now = show(image, mask, Difficulty(0.05, 0.2, 0.01, 0.2), seed)
        assert np.isfinite(shown).all() and set(np.unique(now)) <= {0.0, 1.0}


def test_a_single_pixel_can_be_shown(disk):
    mask = np.zeros((96, 96, 1), np.float32)
    mask[50, 50] = 1.0
    for row in (Difficulty(0.001, 0.1, 0.1, 0.01), Difficulty(0.5, 0.5, 0.5, 0.5)):
        assert np.isfinite(show(disk[0], mask, row)[0]).all()


@pytest.mark.parametrize("level", [0.05, 0.2, 0.4])
def test_light_is_dimmed_to_the_row_by_one_factor(disk, level):
    image, mask = show(*disk, EASIEST._replace(luminance=level))
    assert measured(image, mask).luminance == pytest.approx(level, abs=1e-4)
    np.testing.assert_allclose(image, disk[0] * (image[0, 0, 0] / disk[0][0, 0, 0]), atol=1e-5)
    np.testing.assert_array_equal(mask, disk[1])


@pytest.mark.parametrize("level", [0.01, 0.03, 0.06])
@pytest.mark.parametrize("present", [0.0, 0.02])
def test_what_is_missing_of_the_noise_is_added(disk, level, present):
    noisy = disk[0] + np.random.default_rng(1).normal(0, present, (96, 96, 1)).astype(np.float32)
    image, mask = show(noisy, disk[1], EASIEST._replace(noise=level))
    assert measured(image, mask).noise == pytest.approx(max(level, present), rel=0.15)
    assert np.array_equal(image, noisy) == (level < present)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.65])
def test_a_part_of_the_object_is_covered(disk, share):
    full = measured(*disk).visible
    for seed in range(10):
        mask = show(*disk, EASIEST._replace(visible=share * full), seed)[1]
        assert mask.sum() / disk[1].sum() == pytest.approx(share, abs=0.02)


def test_a_cover_lies_on_the_object_from_below_or_from_a_side(disk):
    centers = []
    for seed in range(40):
        patch, left = views.find_patch(tf.constant(disk[1]), 0.4, [seed, 5])
        image, mask = (part.numpy() for part in views.cover(*map(tf.constant, disk), patch, [seed, 5]))
        np.testing.assert_array_equal(mask, left)
        lost = disk[1][..., 0] > mask[..., 0]
        assert not np.any(mask > disk[1])
        np.testing.assert_array_equal(image[mask[..., 0] > 0], disk[0][mask[..., 0] > 0])
        assert np.mean(np.abs(image - disk[0]).max(axis=-1)[lost] > 0.01) > 0.95
        centers.append(np.argwhere(lost).mean(axis=0) - 48)
    down, across = np.transpose(centers)
    assert down.min() > -8 and down.max() > 10 and across.min() < -10 and across.max() > 10


def test_differences_that_shapes_make_cover_nothing(disk):
    np.testing.assert_array_equal(show(*disk, EASIEST._replace(visible=0.56))[1], disk[1])  # it has 0.78


def test_images_shown_at_the_rows_of_a_hard_task_match_its_statistics(bundled):
    for task, column, tolerance in (
        (3, "luminance", 0.01),
        (3, "noise", 0.002),
        (6, "visible", 0.06),
        (9, "side", 0.01),
    ):
        rows = rows_of(bundled, task)
        shown = [measured(*show(*pair, row, seed)) for seed, (pair, row) in enumerate(zip(bundled(1), rows))]
        target, found = (np.mean([getattr(row, column) for row in group]) for group in (rows, shown))
        assert found == pytest.approx(target, abs=tolerance), (task, column)


def test_nothing_becomes_easier(bundled):
    images = bundled(1)[::4] + bundled(3)[::4] + bundled(6)[::4] + bundled(9)[::4]
    rows = [row for task in (1, 3, 6, 9) for row in rows_of(bundled, task)[1::7]]
    for pair in images:
        own = measured(*pair)
        for seed, row in enumerate(rows):
            image, mask = show(*pair, row, seed)
            now = measured(image, mask)
            assert image.min() >= 0.0 and image.max() <= 1.0 and set(np.unique(mask)) <= {0.0, 1.0}
            assert now.side <= own.side + 1.5 / 128
            assert now.luminance <= min(own.luminance, row.luminance) + 0.003  # noise is cut off at black
            assert now.noise >= 0.8 * min(own.noise, row.noise)
            assert mask.sum() <= pair[1].numpy().sum()


def test_the_own_row_changes_nothing(bundled, disk):
    for pair in [disk, *bundled(1)[::3], *bundled(3)[::3], *bundled(6)[::3], *bundled(9)[::3]]:
        image, mask = show(*pair, measured(*pair))
        np.testing.assert_allclose(image, pair[0], atol=0.003)
        np.testing.assert_array_equal(mask, pair[1])


def test_without_an_object_only_light_and_noise_change(disk):
    image, mask = show(disk[0], np.zeros_like(disk[1]), Difficulty(0.2, 0.2, 0.0, 0.3))
    np.testing.assert_allclose(image, disk[0] * (0.2 / measured(*disk).luminance), atol=1e-5)
    assert not mask.any()
    assert measured(*show(disk[0], mask, Difficulty(0.2, 0.2, 0.03, 0.3))).noise == pytest.approx(0.03, rel=0.15)


def test_the_seed_alone_decides(disk):
    row = Difficulty(0.3, 0.3, 0.02, 0.3)
    first, again, other = (show(*disk, row, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_in_a_dataset_shapes_stay_known(disk):
    row = tf.constant(Difficulty(0.3, 0.3, 0.02, 0.3))
    data = tf.data.Dataset.range(3).map(lambda seed: views.show(*map(tf.constant, disk), row, tf.stack([seed, 5])))
    assert [tuple(spec.shape) for spec in data.element_spec] == [(96, 96, 3), (96, 96, 1)]
    for seed, (image, mask) in enumerate(data.as_numpy_iterator()):
        np.testing.assert_allclose(image, show(*disk, row, seed)[0], atol=1e-5)
        np.testing.assert_array_equal(mask, show(*disk, row, seed)[1])
