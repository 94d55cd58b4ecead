import numpy as np
import pytest

from sdkd_tf import metrics

R = [[0.9, 0.4, 0.2], [0.7, 0.8, 0.3], [0.6, 0.85, 0.7]]


def test_mean_accuracy_after_each_task():
    np.testing.assert_allclose(metrics.mean_accuracy(R), [0.5, 0.6, 2.15 / 3])


def test_final_mean_accuracy():
    assert metrics.final_mean_accuracy(R) == pytest.approx(2.15 / 3)


def test_forgetting_takes_the_best_earlier_row():
    # Task 1: 0.9 - 0.6; task 2: 0.8 - 0.85, a gain.
    assert metrics.forgetting(R) == pytest.approx((0.3 - 0.05) / 2)
    assert metrics.forgetting([[0.5]]) == 0.0


def test_mean_absolute_error():
    assert metrics.mean_absolute_error([[0.25, 1.0]], [[0.0, 1.0]]) == 0.125


def test_matrix_must_be_square():
    with pytest.raises(ValueError, match="N x N"):
        metrics.forgetting([[1.0, 2.0]])
