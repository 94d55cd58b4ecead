"""The losses, one number at a time, in double precision."""

import math

import numpy as np
from scipy.special import log_softmax, rel_entr, softmax

from tests.reference.layers import resize


def factor_transfer(teacher, student):
    """Equation 1: factors `[batch, ...]`; the mean over a sample's elements."""
    total = 0.0
    for t, s in zip(teacher.reshape(len(teacher), -1), student.reshape(len(student), -1)):
        total += np.mean([abs(a - b) for a, b in zip(t / np.linalg.norm(t), s / np.linalg.norm(s))])
    return total / len(teacher)


def soft_target(teacher, student, temperature, alpha):
    """Equation 2: logits `[batch, classes]`; the mean over the batch."""
    total = 0.0
    for t, s in zip(teacher, student):
        total += rel_entr(softmax(t / temperature), softmax(s / temperature)).sum()
    return total / len(teacher) * temperature**2 * 2 * alpha


def classification(labels, logits):
    """Cross-entropy `[]` of logits `[batch, classes]` against class indices `[batch]`."""
    return -np.mean([log_softmax(o)[label] for label, o in zip(labels, logits)])


def saliency(attention, detection, mask, has_mask):
    """CPD's loss: logits `[batch, h, w, 1]`, mask `[batch, H, W, 1]` of 0 and 1, over the images where has_mask is 1."""
    total, images = 0.0, 0
    for a, d, m in ((a, d, m) for a, d, m, has in zip(attention, detection, mask, has_mask) if has):
        for logits in (a, d):
            enlarged = resize(logits, *m.shape[:2]).ravel()
            probabilities = [1 / (1 + math.exp(-o)) for o in enlarged]
            total -= np.mean([math.log(p if on else 1 - p) for p, on in zip(probabilities, m.ravel())])
        images += 1
    return total / images


def gradient(f, x, step=1e-5):
    """Central differences of the scalar f at x, an array of any shape."""
    result = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        offset = np.zeros_like(x)
        offset[i] = step
        result[i] = (f(x + offset) - f(x - offset)) / (2 * step)
    return result
