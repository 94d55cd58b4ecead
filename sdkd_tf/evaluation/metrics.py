"""Metrics of lifelong learning: pure functions of the accuracy matrix R.

R[i][j] is the accuracy on task j after training on task i, for N tasks. The metrics named `openloris_*` are those of
She et al. (ICRA 2020, https://arxiv.org/abs/1911.06487): means over a part of R, also where others use differences.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

Matrix = np.ndarray | Sequence[Sequence[float]]


def mean_accuracy(matrix: Matrix) -> np.ndarray:
    """Mean accuracy over all tasks after each task: `[N]`, the curve of the SDKD paper."""
    return np.mean(_square(matrix), axis=1)


def openloris_accuracy(matrix: Matrix) -> float:
    """OpenLORIS' Accuracy: mean of R[i][j] over i >= j, that is, on the tasks learned so far."""
    r = _square(matrix)
    return float(np.mean(r[np.tril_indices(len(r))]))


def openloris_bwt(matrix: Matrix) -> float:
    """OpenLORIS' backward transfer: mean of R[i][j] over i > j, that is, on earlier tasks; nan for one task."""
    r = _square(matrix)
    return float(np.mean(r[np.tril_indices(len(r), -1)])) if len(r) > 1 else float("nan")


def openloris_fwt(matrix: Matrix) -> float:
    """OpenLORIS' forward transfer: mean of R[i][j] over i < j, that is, on future tasks; nan for one task."""
    r = _square(matrix)
    return float(np.mean(r[np.triu_indices(len(r), 1)])) if len(r) > 1 else float("nan")


def openloris_overall(matrix: Matrix) -> float:
    """OpenLORIS' Over-all: mean of all entries of R."""
    return float(np.mean(_square(matrix)))


def final_mean_accuracy(matrix: Matrix) -> float:
    """Mean of R[N][j] over j: the average accuracy of GEM (Lopez-Paz and Ranzato, NeurIPS 2017)."""
    return float(np.mean(_square(matrix)[-1]))


def learning_accuracy(matrix: Matrix) -> float:
    """Mean of R[j][j]: accuracy on each task right after training on it (Riemer et al., ICLR 2019)."""
    return float(np.mean(np.diag(_square(matrix))))


def forgetting(matrix: Matrix) -> float:
    """Mean over j < N of max_i<N R[i][j] - R[N][j] (Chaudhry et al., ECCV 2018); nan for one task."""
    r = _square(matrix)
    return float(np.mean(r[:-1, :-1].max(axis=0) - r[-1, :-1])) if len(r) > 1 else float("nan")


def wilson_interval(share: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Confidence interval of a proportion: Wilson's score interval (JASA 22, 1927).

    Args:
      share: proportion measured on a sample, in [0, 1].
      count: size of the sample, 1 or more.
      z: quantile of the normal distribution; 1.959964 for 95 %.

    Returns:
      (low, high), in [0, 1].
    """
    middle = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low, high = ((middle + sign * half) / (1 + z**2 / count) for sign in (-1, 1))
    return float(max(0.0, low)), float(min(1.0, high))


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % confidence interval of the mean of two or more values, by Student's t distribution: (low, high)."""
    half = stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values) - half), float(np.mean(values) + half)


def _square(matrix: Matrix) -> np.ndarray:
    r = np.asarray(matrix, np.float64)
    if r.ndim != 2 or r.shape[0] != r.shape[1]:
        raise ValueError(f"accuracy matrix has shape {r.shape}; expected N x N")
    return r
