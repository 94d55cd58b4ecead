"""All metrics on one hand-made matrix, in which no two metrics agree."""

import math

import numpy as np
import pytest
from scipy import stats

from sdkd_tf.evaluation import metrics

R = [[0.9, 0.4, 0.2, 0.1], [0.7, 0.6, 0.3, 0.2], [0.6, 0.8, 0.7, 0.3], [0.5, 0.7, 0.9, 1.0]]

EXPECTED = {
    "openloris_accuracy": (0.9 + 0.7 + 0.6 + 0.6 + 0.8 + 0.7 + 0.5 + 0.7 + 0.9 + 1.0) / 10,
    "openloris_bwt": (0.7 + 0.6 + 0.8 + 0.5 + 0.7 + 0.9) / 6,
    "openloris_fwt": (0.4 + 0.2 + 0.1 + 0.3 + 0.2 + 0.3) / 6,
    "openloris_overall": 8.9 / 16,
    "final_mean_accuracy": (0.5 + 0.7 + 0.9 + 1.0) / 4,
    "learning_accuracy": (0.9 + 0.6 + 0.7 + 1.0) / 4,
    # Task 2 was at its best after task 3, and task 3 gained in the end.
    "forgetting": ((0.9 - 0.5) + (0.8 - 0.7) + (0.7 - 0.9)) / 3,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_metric_by_hand(name):
    assert getattr(metrics, name)(R) == pytest.approx(EXPECTED[name], abs=1e-12)


def test_mean_accuracy_after_each_task():
    np.testing.assert_allclose(metrics.mean_accuracy(R), [0.4, 0.45, 0.6, 0.775])


@pytest.mark.parametrize(
    "name, value",
    [
        ("openloris_accuracy", 0.5),
        ("learning_accuracy", 0.5),
        ("forgetting", math.nan),
        ("openloris_bwt", math.nan),
        ("openloris_fwt", math.nan),
    ],
)
def test_single_task(name, value):
    assert getattr(metrics, name)([[0.5]]) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("name", [*EXPECTED, "mean_accuracy"])
def test_matrix_must_be_square(name):
    with pytest.raises(ValueError, match=r"shape \(1, 2\); expected N x N"):
        getattr(metrics, name)([[1.0, 2.0]])


@pytest.mark.parametrize(
    "share, count, z, interval",
    [
        # With z = 2 and 4 hits of 5: (.8 + 4/10 -+ 2 sqrt(.16/5 + 4/100)) / (1 + 4/5).
        (0.8, 5, 2.0, ((1.2 - 2 * 0.072**0.5) / 1.8, (1.2 + 2 * 0.072**0.5) / 1.8)),
        (0.0, 4, 2.0, (0.0, 0.5)),  # z^2 / (n + z^2)
        (1.0, 4, 2.0, (0.5, 1.0)),
        (0.5, 12, 2.0, (0.25, 0.75)),  # (1/2 + 1/6 -+ 2 sqrt(1/48 + 1/144)) / (4/3) = 1/2 -+ 1/4
    ],
)
def test_wilson_interval_by_hand(share, count, z, interval):
    assert metrics.wilson_interval(share, count, z) == pytest.approx(interval, abs=1e-12)


def test_wilson_interval_of_95_percent_as_published():
    assert metrics.wilson_interval(0.8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


def test_mean_interval():
    # n = 2: t with one degree of freedom is Cauchy's distribution, with quantile tan(.95 pi / 2); s / sqrt(2) = 1.
    half = math.tan(0.95 * math.pi / 2)
    assert metrics.mean_interval([1.0, 3.0]) == pytest.approx((2 - half, 2 + half))
    values = [0.03, -0.01, 0.02, 0.05, 0.0, 0.01]
    other = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert metrics.mean_interval(values) == pytest.approx((other.low, other.high))
    assert metrics.mean_interval([0.5, 0.5]) == (0.5, 0.5)
