"""Both conventions on one hand-made matrix, in which no two metrics agree."""

import math

import numpy as np
import pytest

from sdkd_tf.evaluation import metrics

R = [[0.9, 0.4, 0.2, 0.1], [0.7, 0.6, 0.3, 0.2], [0.6, 0.8, 0.7, 0.3], [0.5, 0.7, 0.9, 1.0]]

EXPECTED = {
    "openloris_accuracy": (0.9 + 0.7 + 0.6 + 0.6 + 0.8 + 0.7 + 0.5 + 0.7 + 0.9 + 1.0) / 10,
    "openloris_bwt": (0.7 + 0.6 + 0.8 + 0.5 + 0.7 + 0.9) / 6,
    "openloris_fwt": (0.4 + 0.2 + 0.1 + 0.3 + 0.2 + 0.3) / 6,
    "openloris_overall": 8.9 / 16,
    "final_mean_accuracy": (0.5 + 0.7 + 0.9 + 1.0) / 4,
    "gem_bwt": ((0.5 - 0.9) + (0.7 - 0.6) + (0.9 - 0.7)) / 3,
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
        ("gem_bwt", 0.0),
        ("forgetting", 0.0),
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
