import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.data.difficulty.statistics import Difficulty, fullness, measure, noise, summarize


def named(image, mask):
    return Difficulty(*measure(tf.constant(image, tf.float32), tf.constant(mask, tf.float32)).numpy())


def test_two_plain_halves_with_a_rectangle():
    image = np.full((24, 24, 3), 0.25)
    image[12:] = 0.75
    mask = np.zeros((24, 24, 1))
    mask[2:8, 3:15] = 1.0
    np.testing.assert_allclose(named(image, mask), (0.5, 0.5, 0.0, 1.0), atol=1e-4)


def test_luminance_weighs_the_colors():
    image = np.ones((12, 12, 3)) * [1.0, 0.5, 0.25]
    assert named(image, np.ones((12, 12, 1))).luminance == pytest.approx(0.299 + 0.5 * 0.587 + 0.25 * 0.114, abs=1e-4)


def test_a_soft_map_shows_the_object_above_one_half():
    mask = np.full((24, 24, 1), 0.5)
    mask[4:10, 4:7] = 0.6
    assert named(np.zeros((24, 24, 3)), mask).side == 0.25


def test_without_an_object_side_and_visible_share_are_the_easiest():
    row = named(np.full((24, 24, 3), 0.5), np.zeros((24, 24, 1)))
    assert row.side == row.visible == 1.0


def shape_of(name):
    y, x = np.mgrid[:24, :24]
    shapes = {
        "rectangle": (y > 3) & (y < 20) & (x > 9) & (x < 12),
        "one pixel": (y == 5) & (x == 23),
        "stairs": x <= y,
        "corner": ((y < 12) & (x < 12)) & ~((y < 6) & (x >= 6)),
        "disk": np.hypot(y - 11.5, x - 11.5) < 11.5,
    }
    return tf.constant(shapes[name][..., None], tf.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rectangle", 1.0),
        ("one pixel", 1.0),
        ("stairs", 300 / 576 * 300 / (576 - 23 * 23 / 2)),  # the hull goes from the top right pixel to the last one's
        ("corner", 108 / 144 * 108 / 126),  # the hull closes half of the missing quarter
    ],
)
def test_fullness(name, expected):
    assert float(fullness(shape_of(name))) == pytest.approx(expected, abs=1e-3)


def test_fullness_of_a_disk():
    assert float(fullness(shape_of("disk"))) == pytest.approx(np.pi / 4, abs=0.03)


@pytest.mark.parametrize("deviation", [0.01, 0.03, 0.08])
def test_noise_is_found_on_shading_and_beside_black_bars(deviation):
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    gray = 0.5 + 0.1 * x - 0.1 * x * y + 0.05 * y * y + np.random.default_rng(0).normal(0, deviation, (96, 96))
    assert float(noise(tf.constant(gray, tf.float32))) == pytest.approx(deviation, rel=0.08)
    gray[:18] = gray[-18:] = 0.0
    assert float(noise(tf.constant(gray, tf.float32))) == pytest.approx(deviation, rel=0.1)


def test_a_black_image_has_no_noise():
    assert float(noise(tf.zeros((32, 32)))) == 0.0


def test_hard_tasks_of_the_benchmark_differ_where_they_are_hard(bundled):
    easy, dark, hidden, tiny = (
        Difficulty(*np.mean([measure(*pair) for pair in bundled(task)], axis=0)) for task in (1, 3, 6, 9)
    )
    assert 0.6 < easy.side < 0.8 and 0.17 < tiny.side < 0.23  # the limits of tools/render_benchmark/levels.py
    assert 105 < 255 * easy.luminance < 180 and 24 < 255 * dark.luminance < 56
    assert 0.012 < dark.noise < 5.3 / 255 and easy.noise < 0.006  # JPEG has taken a part of it
    assert hidden.visible / easy.visible == pytest.approx(0.5, abs=0.05)  # true: 0.45 to 0.55
    assert tiny.visible / easy.visible == pytest.approx(1.0, abs=0.05)


def batches(count):
    """Plain images of as many luminances."""
    levels = np.arange(1, count + 1, dtype=np.float32) / count
    images = np.ones((count, 24, 24, 3), np.float32) * levels[:, None, None, None]
    data = {"image": images * 2 - 1, "mask": np.ones((count, 24, 24, 1), np.float32), "label": np.zeros(count)}
    return tf.data.Dataset.from_tensor_slices(data).batch(7), levels


def test_a_summary_is_a_sample_without_repetitions_that_depends_on_the_seed_alone():
    data, levels = batches(100)
    summary = summarize(data, seed=3)
    assert summary.shape == (64, 4) and summary.dtype == np.float32 and summary.nbytes <= 8192
    places = np.abs(summary[:, 1:2] - levels).argmin(axis=1)
    np.testing.assert_allclose(summary[:, 1], levels[places], atol=1e-4)
    assert len(set(places)) == 64
    np.testing.assert_array_equal(summary, summarize(data, seed=3))
    assert not np.array_equal(summary, summarize(data, seed=4))


def test_a_summary_of_few_images_repeats_rows():
    data, levels = batches(5)
    summary = summarize(data, rows=40)
    assert summary.shape == (40, 4)
    np.testing.assert_allclose(np.unique(summary[:, 1].round(3)), levels, atol=1e-3)
