"""Telling unknown objects from known ones: the measures by hand."""

import numpy as np

from benchmarks.unknown_objects import Measured, auroc, table


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    known, unknown = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])
    assert auroc(known, unknown) == (1.5 + 3) / 6  # 2 is above 1 and equal to 2; 4 is above all
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(size=40).round(1), rng.normal(1, size=30).round(1)
    pairs = (unknown[:, None] > known) + 0.5 * (unknown[:, None] == known)
    assert np.isclose(auroc(known, unknown), pairs.mean())


def test_the_table_by_hand():
    known = Measured(np.array([1.0, 1.5, 2.0, 9.0]), np.array([0.95, 0.5, 0.99, 0.92]))
    unknown = Measured(np.array([5.0, 1.2]), np.array([0.91, 0.3]))
    assert table(known, unknown, 3.0).splitlines() == [
        "|  | 4 photos of known objects | 2 of unknown ones |",
        "| --- | --- | --- |",
        "| called unknown | 0.250 | 0.500 |",
        "| probability above .9 | 0.750 | 0.500 |",
        "| probability above .9, and not called unknown | 0.500 | 0.000 |",
        "",
        "AUROC: distance 0.500, probability 0.875",  # pairs in the right order: 3 + 1 of 8, 3 + 4 of 8
    ]
