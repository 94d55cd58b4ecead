import random

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import chi2

from sdkd_tf.data.pipeline import rehearsed
from sdkd_tf.strategies.replay import Reservoir, beside


def test_reservoir_is_a_uniform_sample():
    random.seed(0)
    trials, counts, pairs = 4000, np.zeros(20), 0
    for _ in range(trials):
        reservoir = Reservoir(5)
        reservoir.offer(range(8))
        reservoir.offer(range(8, 20))
        assert len(set(reservoir.kept)) == 5
        counts[list(reservoir.kept)] += 1
        pairs += {0, 19} <= set(reservoir.kept)
    # Each item is kept with probability 1/4. Counts are correlated (they sum to 5 a trial): variance n p (1 - p) * 20/19.
    expected, variance = trials / 4, trials * 3 / 16
    statistic = ((counts - expected) ** 2).sum() / variance * 19 / 20
    assert statistic < chi2.ppf(0.999, 19)
    probability = 5 * 4 / (20 * 19)
    assert abs(pairs / trials - probability) < 4 * np.sqrt(probability / trials)


def test_a_reservoir_keeps_all_until_it_is_full():
    reservoir = Reservoir(5)
    reservoir.offer("abc")
    assert reservoir.kept == ("a", "b", "c")
    empty = Reservoir(0)
    empty.offer("abc")
    assert empty.kept == ()


def test_every_new_batch_is_joined_by_an_old_one():
    new = tf.data.Dataset.range(6).map(lambda i: {"label": i}).batch(2)
    old = tf.data.Dataset.range(10, 13).map(lambda i: {"label": i}).batch(2)
    labels = [batch["label"].numpy().tolist() for batch in beside(old.repeat(), new)]
    assert labels == [[10, 11, 0, 1], [12, 2, 3], [10, 11, 4, 5]]


@pytest.mark.parametrize("size", [4, 5])
def test_the_teacher_is_asked_about_the_rehearsed_images_and_half_of_the_kept_ones(size):
    """In a batch of new images, the last one is rehearsed, and every second one before it."""
    new = tf.data.Dataset.range(size).batch(size)
    batch = next(iter(beside(new.map(lambda i: {"i": i + 10}), new.map(lambda i: {"i": i}))))
    asked = rehearsed(batch["i"]).numpy()
    np.testing.assert_array_equal(asked[asked < 10], np.arange(size)[::-2])
    assert abs(np.sum(asked >= 10) - size / 2) < 1
