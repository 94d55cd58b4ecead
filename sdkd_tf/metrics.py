"""Metrics of lifelong learning, pure functions on the accuracy matrix R, and of saliency.

R[i][j] is the accuracy on task j after training on task i.
"""

import numpy as np


def mean_accuracy(matrix):
    """Mean accuracy over all tasks after each task: `[N]`, the curve of the SDKD paper."""
    return np.mean(_square(matrix), axis=1)


def final_mean_accuracy(matrix):
    """Mean of R[N][j], the average accuracy of GEM (Lopez-Paz and Ranzato, NeurIPS 2017)."""
    return float(np.mean(_square(matrix)[-1]))


def forgetting(matrix):
    """Mean over j < N of max_i<N R[i][j] - R[N][j] (Chaudhry et al., ECCV 2018). 0 for a single task."""
    r = _square(matrix)
    return float(np.mean(r[:-1, :-1].max(axis=0) - r[-1, :-1])) if len(r) > 1 else 0.0


def mean_absolute_error(saliency, mask):
    """Mean absolute difference of a map in [0, 1] and a mask of the same shape: CPD's MAE."""
    return float(np.mean(np.abs(np.asarray(saliency, np.float64) - np.asarray(mask, np.float64))))


def _square(matrix):
    r = np.asarray(matrix, np.float64)
    if r.ndim != 2 or r.shape[0] != r.shape[1]:
        raise ValueError(f"accuracy matrix has shape {r.shape}; expected N x N")
    return r
