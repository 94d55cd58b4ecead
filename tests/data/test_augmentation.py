import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.data import augmentation
from sdkd_tf.data.augmentation import augment, augment_hard, cover, darken, gaussian_blur, zoom_out


def views(image, mask=None, count=300):
    """Views with as many seeds, as NumPy arrays; of an image without an object, if no mask is given."""
    example = {
        "image": tf.constant(image, tf.float32),
        "mask": tf.zeros((*image.shape[:2], 1)) if mask is None else mask,
    }
    seeds = tf.data.Dataset.range(count).map(lambda number: tf.stack([number, 7]))
    return list(seeds.map(lambda seed: augment(example, seed)).as_numpy_iterator())


def center(weights):
    return np.array(
        [np.average(np.arange(n), weights=weights.sum(axis=1 - axis)) for axis, n in enumerate(weights.shape)]
    )


def test_half_of_the_views_are_mirrored():
    image = np.full((32, 32, 3), -0.5)
    image[:, :10] = 0.5
    mirrored = sum(v["image"][:, -3:].mean() > v["image"][:, :3].mean() for v in views(image))
    assert 115 <= mirrored <= 185  # 150 expected, standard deviation 9


def test_crops_leave_eight_tenths_of_the_side_or_more(monkeypatch):
    sides, crop = [], tf.image.stateless_random_crop
    monkeypatch.setattr(
        tf.image, "stateless_random_crop", lambda v, size, seed: sides.append(int(size[0])) or crop(v, size, seed)
    )
    example = {"image": tf.zeros((100, 100, 3)), "mask": tf.zeros((100, 100, 1))}
    for seed in range(100):
        augment(example, tf.constant([seed, 7], tf.int64))
    assert 80 <= min(sides) < 83 and 97 < max(sides) <= 100


def spread(values, low, high):
    """Whether numbers fill [low, high], their ends within a twentieth of its width, and do not leave it."""
    margin = (high - low) / 20
    return low - 1e-3 <= min(values) < low + margin and high - margin < max(values) <= high + 1e-3


def test_brightness_and_saturation_change_by_three_tenths():
    color = np.array([0.5, 0.3, 0.3])
    found = [
        (v["image"][16, 16] + 1) / 2 for v in views(np.tile(color * 2 - 1, (32, 32, 1)))
    ]  # plain: contrast says nothing
    assert spread([c.max() / 0.5 for c in found], 0.7, 1.3)
    assert spread([(1 - c.min() / c.max()) / 0.4 for c in found], 0.7, 1.3)


def test_contrast_changes_by_three_tenths():
    image = np.full((32, 32, 3), 0.4)
    image[16:] = 0.6
    found = [(v["image"] + 1) / 2 for v in views(image * 2 - 1)]
    # With brightness g and contrast c around the mean m: range .2 g c, and 2 m g is the sum of both halves where m is .5.
    ratios = [np.ptp(view) / view.mean() / 0.4 for view in found]
    assert 0.6 < min(ratios) < 0.75 and 1.25 < max(ratios) < 1.4


def test_views_move_image_and_mask_alike():
    mask = np.zeros((32, 32, 1), np.float32)
    mask[4:20, 10:28] = 1.0
    example = {"image": tf.constant(np.repeat(mask * 2 - 1, 3, axis=2)), "mask": tf.constant(mask)}
    masks = []
    for seed in range(20):
        view = augment(example, tf.constant([seed, 7], tf.int64))
        shown = view["image"].numpy()[..., 0]
        shown = (shown - shown.min()) / np.ptp(shown)
        np.testing.assert_allclose(center(shown), center(view["mask"].numpy()[..., 0]), atol=0.4)  # pixels
        assert set(np.unique(view["mask"])) <= {0.0, 1.0}
        assert view["image"].numpy().min() >= -1.0 and view["image"].numpy().max() <= 1.0
        masks.append(view["mask"].numpy())
    assert len({m.tobytes() for m in masks}) > 10


def test_blur():
    image = np.zeros((9, 9, 3), np.float32)
    image[4, 4, 1] = 1.0
    blurred = gaussian_blur(tf.constant(image), 1.0).numpy()
    line = np.exp([-2.0, -0.5, 0.0, -0.5, -2.0])
    np.testing.assert_allclose(blurred[2:7, 2:7, 1], np.outer(line, line) / line.sum() ** 2, atol=1e-6)
    np.testing.assert_allclose(blurred[4, 4], [0.0, 0.16210, 0.0], atol=1e-5)
    np.testing.assert_allclose(blurred.sum(axis=(0, 1)), [0.0, 1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(gaussian_blur(tf.fill([8, 8, 3], 0.3), 0.7), 0.3, atol=1e-6)  # also at the border


def test_a_fifth_of_the_views_is_blurred_and_no_mask(monkeypatch):
    mask = np.zeros((32, 32, 1), np.float32)
    mask[8:24, 8:24] = 1.0
    example = {"image": tf.constant(np.repeat(mask - 0.5, 3, axis=2)), "mask": tf.constant(mask)}
    seeds = tf.data.Dataset.range(300).map(lambda number: tf.stack([number, 3]))

    def views():
        return list(seeds.map(lambda seed: augment(example, seed)).as_numpy_iterator())

    plain = views()
    np.testing.assert_array_equal(plain[5]["image"], augment(example, tf.constant([5, 3], tf.int64))["image"])
    monkeypatch.setattr(augmentation, "gaussian_blur", lambda image, sigma: tf.zeros_like(image) + sigma)
    marked = views()
    sigmas = [(view["image"][0, 0, 0] + 1) / 2 if np.ptp(view["image"]) == 0 else None for view in marked]
    drawn = [sigma for sigma in sigmas if sigma is not None]
    assert 40 <= len(drawn) <= 80  # 60 expected, standard deviation 7
    assert 0.5 <= min(drawn) < 0.55 and 0.95 < max(drawn) <= 1.0
    for before, after, sigma in zip(plain, marked, sigmas):
        np.testing.assert_array_equal(before["mask"], after["mask"])
        assert sigma is not None or np.array_equal(before["image"], after["image"])


@pytest.fixture
def square():
    """(image, mask): a bright square of 16 x 16 of 32 x 32 pixels on a dark ground."""
    mask = np.zeros((32, 32, 1), np.float32)
    mask[8:24, 4:20] = 1.0
    return tf.constant(np.repeat(0.2 + 0.6 * mask, 3, axis=2)), tf.constant(mask)


def test_zoomed_out_views_are_smaller_and_stand_on_the_mean_color(square):
    image, mask = square
    areas = []
    for seed in range(40):
        small, small_mask = (part.numpy() for part in zoom_out(image, mask, [seed, 0]))
        assert small.shape == (32, 32, 3) and small_mask.shape == (32, 32, 1)
        assert np.isclose(small, 0.2 + 0.6 / 4, atol=1e-4).mean() > 0.15  # the square is a quarter of the image
        assert small[small_mask[..., 0] > 0].mean() > 0.6 > 0.3 > small[small_mask[..., 0] == 0].mean() - 0.1
        assert set(np.unique(small_mask)) <= {0.0, 1.0}
        areas.append(small_mask.sum() / 256)
    assert 0.3**2 * 0.5 < min(areas) < 0.2 and 0.6 < max(areas) <= 0.9**2 + 0.1


def test_a_cover_hides_a_part_of_the_object_from_one_of_four_sides(square):
    image, mask = square
    found = set()
    for seed in range(60):
        view, left = (part.numpy() for part in cover(image, mask, [seed, 1]))
        hole = (mask.numpy() - left)[..., 0] > 0
        rows, columns = hole.any(axis=1).nonzero()[0], hole.any(axis=0).nonzero()[0]
        assert hole.sum() == len(rows) * len(columns)  # a rectangle
        assert 0.2 * 256 - 16 <= hole.sum() <= 0.6 * 256 + 16
        assert np.ptp(view[hole], axis=0).max() == 0.0
        np.testing.assert_array_equal(view[~hole], image.numpy()[~hole])
        if len(columns) == 16:
            found.add("above" if rows[0] == 8 else "below")
            assert rows[0] == 8 or rows[-1] == 23
        else:
            found.add("left" if columns[0] == 4 else "right")
            assert len(rows) == 16 and (columns[0] == 4 or columns[-1] == 19)
    assert found == {"above", "below", "left", "right"}


def test_nothing_is_covered_without_an_object(square):
    for seed in range(8):
        image, mask = cover(square[0], tf.zeros((32, 32, 1)), [seed, 1])
        np.testing.assert_array_equal(image, square[0])
        assert not mask.numpy().any()


def test_dark_views_have_a_quarter_to_seven_tenths_of_the_light(square):
    factors = [float(darken(*square, [seed, 2])[0][0, 0, 0]) / 0.2 for seed in range(100)]
    assert 0.25 <= min(factors) < 0.28 and 0.67 < max(factors) <= 0.7


def test_three_tenths_of_the_hard_views_are_changed_in_each_way_and_the_rest_are_light_ones(monkeypatch):
    counts = dict.fromkeys(("zoom_out", "cover", "darken"), 0)
    example = {"image": tf.zeros((32, 32, 3)), "mask": tf.zeros((32, 32, 1))}
    for number, name in enumerate(counts):  # each way marks a pixel of its own
        mark = tf.scatter_nd([[0, number, 0]], [1.0], (32, 32, 3))
        monkeypatch.setattr(augmentation, name, lambda image, mask, seed, mark=mark: (tf.maximum(image, mark), mask))
    both = tf.function(lambda seed: (augment(example, seed)["image"], augment_hard(example, seed)["image"]))
    for seed in range(300):
        light, hard = (image.numpy() for image in both(tf.constant([seed, 5], tf.int64)))
        changed = np.abs(hard - light).max(axis=(0, 2)) > 1e-6
        for number, name in enumerate(counts):
            counts[name] += changed[number]
        assert not changed[3:].any()
    assert all(65 <= count <= 115 for count in counts.values())  # 90 expected, standard deviation 8
