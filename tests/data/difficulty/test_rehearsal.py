"""What is kept of earlier tasks, and images shown as hard as theirs."""

import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.data.difficulty.rehearsal import Difficulties, rehearse
from sdkd_tf.data.difficulty.statistics import luminance, measure
from sdkd_tf.data.pipeline import make_dataset, rehearsed
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks


def gray_batches(level, images=3):
    """One batch of images with one luminance, without objects."""
    image = tf.fill([images, 24, 24, 3], 2.0 * level - 1.0)
    return tf.data.Dataset.from_tensors({"image": image, "mask": tf.zeros([images, 24, 24, 1])})


def test_every_task_has_the_same_share():
    difficulties = Difficulties()
    for level in (0.2, 0.4, 0.6, 0.8):
        difficulties.add(gray_batches(level))
    levels, counts = np.unique(difficulties.rows[:, 1].numpy().round(3), return_counts=True)
    np.testing.assert_allclose(levels, [0.2, 0.4, 0.6, 0.8])
    # 512 / 4 each; the standard deviation of a binomial distribution is sqrt(512 / 4 * 3 / 4) = 10
    assert counts.sum() == 512 and (abs(counts - 128) < 4 * 10).all()
    assert difficulties.stored_bytes == 512 * 4 * 4 and difficulties.tasks.numpy() == 4


def test_the_first_task_fills_all_rows():
    difficulties = Difficulties()
    difficulties.add(gray_batches(0.5, images=1))
    np.testing.assert_allclose(difficulties.rows, np.tile([1.0, 0.5, 0.0, 1.0], (512, 1)), atol=1e-6)


def test_an_image_becomes_as_dark_as_one_of_the_rows(disk):
    image, mask = map(tf.constant, disk)
    rows = tf.constant([[1.0, 0.05, 0.0, 1.0], [1.0, 0.1, 0.0, 1.0]])
    example = {"image": 2.0 * image - 1.0, "mask": mask, "label": 3}
    found = set()
    for seed in range(12):
        shown = rehearse(example, rows, tf.constant([seed, 1], tf.int64))
        assert shown["label"] == 3
        found.add(round(float(tf.reduce_mean(luminance((shown["image"] + 1.0) / 2.0))), 3))
    assert found == {0.05, 0.1}


def test_every_second_image_of_a_batch_is_rehearsed(write_sequence, tmp_path):
    """The other half is what it is without rehearsal."""
    task = load_tasks(DataOptions(str(write_sequence(tmp_path / "data", tasks=1)))).tasks[0]
    rows = np.array([[1.0, 0.02, 0.0, 1.0]], np.float32)
    with_rows, without = (
        next(iter(make_dataset(task.train, 64, 8, seed=1, augmentation="hard", rows=given))) for given in (rows, None)
    )
    np.testing.assert_array_equal(with_rows["image"][::2], without["image"][::2])
    for image, mask in zip(rehearsed(with_rows["image"]), rehearsed(with_rows["mask"]), strict=True):
        assert measure((image + 1.0) / 2.0, mask)[1] <= 0.02 + 1e-3
    np.testing.assert_array_equal(with_rows["label"], without["label"])


@pytest.mark.parametrize("size, places", [(1, [0]), (2, [1]), (3, [2, 0]), (4, [3, 1])])
def test_the_rehearsed_images_are_the_dark_ones_in_every_batch(write_sequence, tmp_path, size, places):
    """Also if a batch has an odd number of images, or one."""
    task = load_tasks(DataOptions(str(write_sequence(tmp_path / "data", tasks=1)))).tasks[0]
    rows = np.array([[1.0, 0.02, 0.0, 1.0]], np.float32)
    assert rehearsed(tf.range(size)).numpy().tolist() == places
    for batch in make_dataset(task.train, 64, size, seed=1, batches=3, augmentation="none", rows=rows):
        dark = [float(tf.reduce_mean(luminance((image + 1.0) / 2.0))) <= 0.021 for image in batch["image"]]
        assert dark == [place in places for place in range(size)]
