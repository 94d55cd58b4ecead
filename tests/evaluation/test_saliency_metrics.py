"""Saliency metrics against pysodmetrics' values (tests/reference/pysodmetrics_values.py) and by hand."""

import json
import pathlib

import numpy as np
import pytest

from sdkd_tf.evaluation import saliency_metrics
from tests.reference.saliency_maps import cases

EXPECTED = json.loads((pathlib.Path(__file__).parents[1] / "reference" / "pysodmetrics_values.json").read_text())
CASES = {name: (saliency / 255, mask / 255) for name, (saliency, mask) in cases().items()}


@pytest.mark.parametrize("name", CASES)
def test_one_map_equals_pysodmetrics(name):
    expected = EXPECTED["maps"][name]
    found = saliency_metrics.saliency_scores([CASES[name]])
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-6)
    saliency, mask = CASES[name]
    saliency = saliency_metrics.stretch(saliency)
    # pysodmetrics' curves go from threshold 255 down to 0; every fifteenth value is stored.
    f = saliency_metrics.f_measure_curve(saliency, mask)
    e = saliency_metrics.e_measure_curve(saliency, mask)
    np.testing.assert_allclose(f[::-15], expected["f_curve"], atol=1e-6)
    np.testing.assert_allclose(e[::-15], expected["e_curve"], atol=1e-6)


def test_data_set_equals_pysodmetrics():
    found = saliency_metrics.saliency_scores(pair for pair in CASES.values())
    assert found == pytest.approx(EXPECTED["data_set"], abs=1e-6)


def test_maximum_is_taken_of_the_mean_curve():
    # Apart, each map has a threshold that separates its object perfectly, .3 or .9; no threshold does it for both.
    mask = np.array([[1, 0, 0, 0]])
    low, high = np.array([[0.4, 0.2, 0.0, 1.0]]), np.array([[1.0, 0.8, 0.0, 0.8]])
    best = [saliency_metrics.saliency_scores([(m, mask)])["max_f"] for m in (low, high)]
    together = saliency_metrics.saliency_scores([(low, mask), (high, mask)])["max_f"]
    # low: P = 1/2, R = 1 up to level .4: F = .65 / 1.15. high: P = 1, R = 1 above .8; P = 1/3, R = 1 below: F = .4333 / 1.1.
    f_low, f_high = 0.65 / 1.15, (1.3 / 3) / 1.1
    assert best == pytest.approx([f_low, 1.0])
    assert together == pytest.approx(max((f_low + f_high) / 2, (0 + 1.0) / 2))


def test_mean_absolute_error_is_of_the_map_as_it_is():
    assert saliency_metrics.mean_absolute_error([[0.25, 0.75]], [[0.0, 1.0]]) == 0.25
    assert saliency_metrics.saliency_scores([([[0.25, 0.75]], [[0.0, 1.0]])])["mae"] == 0.0


def test_s_measure_of_a_single_pixel_in_the_corner():
    # Center of mass in the last pixel: the upper left quadrant is the image, the others are empty (nan in pysodmetrics).
    saliency, mask = np.zeros((2, 2)), np.zeros((2, 2))
    saliency[1, 1], mask[1, 1] = 0.5, 1.0
    objects = 1 / 4 * (2 * 0.5 / (0.25 + 1)) + 3 / 4 * (2 / 2)
    # Means 1/8 and 1/4; sums of squares 3/16 and 3/4, of products 3/8, each over 3 = n - 1.
    regions = 4 * (1 / 8) * (1 / 4) * (1 / 8) / ((1 / 64 + 1 / 16) * (1 / 16 + 1 / 4))
    assert saliency_metrics.s_measure(saliency, mask) == pytest.approx((objects + regions) / 2)
    assert saliency_metrics.s_measure(saliency, mask, alpha=0.2) == pytest.approx(0.2 * objects + 0.8 * regions)


def test_s_measure_of_a_constant_map_does_not_depend_on_rounding():
    # A deviation that is 1e-17 instead of 0 would turn the two windows without contrast from 1 to 0.
    mask = np.zeros((6, 10))
    mask[1:5, 2] = 1.0  # center of mass (2.5, 2): rows to 2, columns to 2 are the upper left
    objects = 4 / 60 * (0.6 / 1.09) + 56 / 60 * (1.4 / 1.49)
    regions = (3 * 7 + 3 * 7) / 60  # on the right nothing varies; on the left only the mask does: 0
    assert saliency_metrics.s_measure(np.full((6, 10), 0.3), mask) == pytest.approx((objects + regions) / 2)


@pytest.mark.parametrize(
    "pair, message",
    [
        (([[0.5, 0.5]], [[1.0], [0.0]]), r"map has shape \(1, 2\), mask \(2, 1\); expected the same \[h, w\]"),
        (([0.5], [1.0]), r"map has shape \(1,\), mask \(1,\); expected the same \[h, w\]"),
        (([[0.5, 1.5]], [[0.0, 1.0]]), r"values in \[0.5, 1.5\]; expected \[0, 1\]"),
        (([[0.5, np.nan]], [[0.0, 1.0]]), r"values in \[nan, nan\]"),
    ],
)
def test_bad_pairs(pair, message):
    with pytest.raises(ValueError, match=message):
        saliency_metrics.saliency_scores([pair])


def test_mean_absolute_error_refuses_to_broadcast():
    with pytest.raises(ValueError, match=r"map has shape \(1, 2\), mask \(1, 2, 1\)"):
        saliency_metrics.mean_absolute_error([[0.0, 1.0]], [[[0.0], [1.0]]])


def test_no_maps():
    with pytest.raises(ValueError, match="no map to score"):
        saliency_metrics.saliency_scores([])
