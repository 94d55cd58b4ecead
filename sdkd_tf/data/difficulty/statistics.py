"""Statistics that are kept instead of a task's images: for some of them, how hard the object is to see."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

_NOISE_BLOCK = 6  # side in pixels
_NOISE_QUANTILE = 0.05  # of the standard deviations of the blocks: the smoothest blocks have the least texture
_NOISE_SCALE = 0.785  # this quantile in an image of pure noise of deviation 1: sqrt(chi2.ppf(0.05, 30) / 30)
_UNCLIPPED = (0.02, 0.98)  # luminance of blocks with visible noise: letterbox bars and overexposed areas have none
_DIRECTIONS = 32  # number of sides of the polygon that approximates a convex hull


class Difficulty(NamedTuple):
    """The columns of a row: `Difficulty(*tf.unstack(row))` names its values.

    Numbers in parentheses are correlations with the true values in the bundled benchmark. Two other statistics were
    left out. The standard deviation of the luminance depends on the pattern of the surroundings and on the luminance
    itself. The density of edges around the object correlates with the number of distractors within the three clutter
    tasks (0.77), each of which has its own room, but not across all tasks (0.17): a patterned floor has more edges than
    nine distractors on a plain one.

    Attributes:
      side: longer side of the bounding box of the object's visible part, relative to the side of the image (0.98).
      luminance: mean of the image, in [0, 1] (1.00).
      noise: standard deviation of the noise, for pixels in [0, 1]; see `noise` (0.72).
      visible: how much of its bounding box and of its convex hull the object fills; see `fullness` (0.76 within the
        occlusion tasks). Occlusion leaves a dent or a slanted edge in the mask. Shapes differ, so only ratios are
        meaningful: half-hidden objects have about half the value of whole ones (0.33 and 0.65).

    Without an object, `side` and `visible` are 1, the lowest difficulty.
    """

    side: tf.Tensor
    luminance: tf.Tensor
    noise: tf.Tensor
    visible: tf.Tensor


class Box(NamedTuple):
    """Bounding box of an object in pixels: int32 scalars, `bottom` and `right` exclusive; all 0 without an object."""

    top: tf.Tensor
    left: tf.Tensor
    bottom: tf.Tensor
    right: tf.Tensor


def measure(image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Measures how hard the object of an image is to see.

    Args:
      image: float32 `[s, s, 3]` in [0, 1], `s` at least 12.
      mask: float32 `[s, s, 1]` in [0, 1]; the object is where it is above 0.5.

    Returns:
      float32 `[4]`, the columns of `Difficulty`.
    """
    gray = luminance(image)
    return tf.stack([object_side(mask), tf.reduce_mean(gray), noise(gray), fullness(mask)])


def summarize(batches: tf.data.Dataset, rows: int = 64, seed: int = 0) -> np.ndarray:
    """Measures the images of a task and returns a random sample of the rows.

    Args:
      batches: dicts of image `[b, s, s, 3]` in [-1, 1] and mask `[b, s, s, 1]`, in the same order in every call.
      rows: number of rows, with repetitions if there are fewer images; 64 rows take 1 KB.
      seed: the same seed gives the same rows.

    Returns:
      float32 `[rows, 4]`, the columns of `Difficulty`.
    """
    measured = batches.unbatch().map(lambda example: measure((example["image"] + 1.0) / 2.0, example["mask"]))
    every = np.stack(list(measured.as_numpy_iterator()))
    return np.random.default_rng(seed).choice(every, rows, replace=len(every) < rows)


def luminance(image: tf.Tensor) -> tf.Tensor:
    """Luminance (Rec. 601) of an RGB image `[s, s, 3]`, as `[s, s]`."""
    return tf.linalg.matvec(image, [0.299, 0.587, 0.114])


def noise(gray: tf.Tensor) -> tf.Tensor:
    """Estimates the standard deviation of the noise from the smoothest blocks of an image.

    The deviation of a block is that of its residual after a quadratic surface has been fitted. Unlike a Laplacian
    (Immerkaer 1996), which responds only to the finest details, this also captures the coarser noise that JPEG and
    resizing leave. Texture that covers the whole image counts as noise: up to 0.007 in the tasks of the bundled
    benchmark without noise, compared to 0.015 in the one with noise.

    Args:
      gray: float32 `[s, s]` in [0, 1].

    Returns:
      A scalar, for pixels in [0, 1]; 0 if the whole image is black or white.
    """
    side = _NOISE_BLOCK
    count = tf.shape(gray)[0] // side
    blocks = tf.reshape(gray[: count * side, : count * side], [count, side, count, side])
    blocks = tf.reshape(tf.transpose(blocks, [0, 2, 1, 3]), [-1, side * side])
    residual, freedom = _quadratic_residual()
    mean = tf.reduce_mean(blocks, axis=1)
    valid = (mean > _UNCLIPPED[0]) & (mean < _UNCLIPPED[1])
    variance = tf.where(valid, tf.reduce_sum(tf.square(blocks @ residual), axis=1) / freedom, np.inf)
    number = tf.reduce_sum(tf.cast(valid, tf.float32))
    smoothest = tf.sort(variance)[tf.cast(_NOISE_QUANTILE * number, tf.int32)]
    return tf.where(number > 0, tf.sqrt(smoothest) / _NOISE_SCALE, 0.0)


def _quadratic_residual() -> tuple[np.ndarray, int]:
    """(matrix that maps a flattened block to its residual of a quadratic least-squares fit, degrees of freedom)."""
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : _NOISE_BLOCK * 1j, -1 : 1 : _NOISE_BLOCK * 1j])
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))
    return (np.eye(len(x)) - basis @ basis.T).astype(np.float32), len(x) - basis.shape[1]


def bounding_box(mask: tf.Tensor) -> Box:
    """Bounding box of the pixels of a mask `[s, s, 1]` above 0.5."""
    ends = []
    for axis in (1, 0):
        there = tf.cast(tf.reduce_max(mask, axis=(axis, 2)) > 0.5, tf.int32)
        place = tf.range(tf.size(there))
        last = tf.reduce_max(there * (place + 1))
        ends.append((tf.minimum(last, tf.argmax(there, output_type=tf.int32)), last))
    (top, bottom), (left, right) = ends
    return Box(top, left, bottom, right)


def object_side(mask: tf.Tensor) -> tf.Tensor:
    """Longer side of the bounding box of a mask `[s, s, 1]`, relative to `s`; 1 without an object."""
    box = bounding_box(mask)
    side = tf.maximum(box.bottom - box.top, box.right - box.left)
    return tf.where(side > 0, tf.cast(side / tf.shape(mask)[0], tf.float32), 1.0)


def fullness(mask: tf.Tensor) -> tf.Tensor:
    """The fraction of its bounding box that an object fills, times the fraction of its convex hull that it fills.

    Args:
      mask: float32 `[s, s, 1]` in [0, 1]; the object is where it is above 0.5.

    Returns:
      A scalar in [0, 1]: 1 for an upright rectangle or without an object, pi/4 for a disk.
    """
    inside = mask[..., 0] > 0.5
    area = tf.reduce_sum(tf.cast(inside, tf.float32))
    box = bounding_box(mask)
    box_area = tf.cast((box.bottom - box.top) * (box.right - box.left), tf.float32)
    # For an upright rectangle, the polygon is the rectangle itself, so rounding must not give a ratio above 1.
    return tf.where(area > 0, area / box_area * tf.minimum(1.0, area / _hull_area(inside)), 1.0)


def _hull_area(inside: tf.Tensor) -> tf.Tensor:
    """Area of the polygon of `_DIRECTIONS` evenly spaced sides that touch an object `[s, s]`, close to its convex hull.

    If h are the distances of the sides from the origin and a is the angle between neighboring sides, the length of a
    side is (h_before + h_after - 2 h cos a) / sin a, and the area is half the sum of h times the length.
    """
    size = tf.shape(inside)[0]
    place = tf.cast(tf.range(size), tf.float32) + 0.5 - tf.cast(size, tf.float32) / 2.0
    left = tf.reduce_min(tf.where(inside, place, np.inf), axis=1)
    right = tf.reduce_max(tf.where(inside, place, -np.inf), axis=1)
    angles = 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    across, down = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    # The outermost pixel of a row is its last one in directions to the right, and its first one in those to the left.
    reach = tf.maximum(left[:, None] * across, right[:, None] * across) + place[:, None] * down
    reach = tf.where(tf.reduce_any(inside, axis=1)[:, None], reach, -np.inf)
    distance = tf.reduce_max(reach, axis=0) + (np.abs(across) + np.abs(down)) / 2.0  # to the corner of that pixel
    turn = 2.0 * np.pi / _DIRECTIONS
    length = (tf.roll(distance, 1, 0) + tf.roll(distance, -1, 0) - 2.0 * np.cos(turn) * distance) / np.sin(turn)
    return tf.reduce_sum(distance * length) / 2.0
