"""Makes images of a new task as hard as those of an old one: occluded, smaller, darker, noisier, never the reverse."""

import numpy as np
import tensorflow as tf

from sdkd_tf.data.difficulty.statistics import Difficulty, bounding_box, fullness, luminance, noise, object_side

_LEAST_HIDDEN = 0.3  # smaller fractions of an object are not covered, because shapes alone differ by as much
_SHADE = 0.4  # how much darker a patch is at one end than at the other
_LONGEST = 2.0  # largest aspect ratio of a patch


def show(image: tf.Tensor, mask: tf.Tensor, row: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Transforms an image to the difficulty of a row.

    The side of the object, the luminance and the noise become those of the row, and the fraction of the object that
    stays visible is the ratio of the values `visible`. Properties in which the image is already as hard do not change.
    Without an object, only luminance and noise change.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1.
      row: float32 `[4]`, the columns of `statistics.Difficulty`.
      seed: int `[2]`; the same seed gives the same result.

    Returns:
      (image, mask) of the same shapes and ranges. The mask is 0 where the object is covered.
    """
    cover_seed, place_seed, noise_seed = tf.unstack(tf.random.split(seed, 3))
    goal = Difficulty(*tf.unstack(row))
    shape = image.shape
    light = tf.minimum(goal.luminance, tf.reduce_mean(luminance(image)))  # before a patch or shrinking can brighten it

    def small_and_covered() -> tuple[tf.Tensor, tf.Tensor]:
        hidden = 1.0 - goal.visible / fullness(mask)
        covers = hidden > _LEAST_HIDDEN
        patch, left = tf.cond(covers, lambda: find_patch(mask, hidden, cover_seed), lambda: (0.0, mask))
        # Shrinking, which aims at the side of the visible part, comes first, because it would mirror the patch.
        small = shrink(image, mask, goal.side / object_side(left), place_seed)
        return tf.cond(covers, lambda: cover(*small, patch, cover_seed), lambda: small)

    image, mask = tf.cond(tf.reduce_any(mask > 0.5), small_and_covered, lambda: (image, mask))
    image = add_noise(dim(image, light), goal.noise, noise_seed)
    return tf.ensure_shape(image, shape), tf.ensure_shape(mask, [*shape[:2], 1])


def find_patch(mask: tf.Tensor, hidden: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the size of a patch that hides a given fraction of the object.

    Args:
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      hidden: fraction of the object, in (0, 1].
      seed: int `[2]`, the seed passed to `cover`.

    Returns:
      (half of the patch's shorter side, in units of the longer side of the object's box; mask of the visible part).
    """
    distance = tf.reduce_max(tf.abs(_patch_coordinates(mask, seed)), axis=0)
    # The patch grows around its center until it covers the required number of the object's pixels.
    reached = tf.sort(tf.boolean_mask(distance, mask > 0.5))
    count = tf.size(reached)
    number = tf.minimum(tf.cast(tf.round(hidden * tf.cast(count, tf.float32)), tf.int32), count - 1)
    return reached[number], mask * tf.cast(distance >= reached[number], tf.float32)


def cover(image: tf.Tensor, mask: tf.Tensor, patch: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Covers part of the object with a patch: a rotated, shaded rectangle around a point on the edge of its box.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      patch: half of the patch's shorter side, in units of the longer side of the object's box.
      seed: int `[2]`.

    Returns:
      (image, mask) of the same shapes and ranges. The mask is 0 where the object is covered.
    """
    place = _patch_coordinates(mask, seed)
    hole = tf.cast(tf.reduce_max(tf.abs(place), axis=0) < patch, tf.float32)
    shade = hole * (1.0 + _SHADE * (tf.math.divide_no_nan(place[0], patch) - 1.0) / 2.0)
    return image * (1.0 - hole) + _patch_color(image, seed) * shade, mask * (1.0 - hole)


def _patch_coordinates(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Coordinates of the pixels along the two sides of a patch, relative to its center: `[2, s, s, 1]`.

    The unit along the shorter side is the longer side of the object's box, so the coordinates do not depend on the
    scale. The unit along the longer side is larger by the aspect ratio of the patch.
    """
    box = tf.cast(tf.stack(bounding_box(mask)), tf.float32)
    middle, half = (box[2:] + box[:2]) / 2.0, (box[2:] - box[:2]) / 2.0
    direction, turn, ratio = tf.unstack(tf.random.stateless_uniform([3], seed))
    # Something in front of an object hides it from below or from a side, but rarely from above.
    toward = tf.stack([tf.sin(np.pi * direction), tf.cos(np.pi * direction)])
    center = middle + half * toward / tf.reduce_max(tf.abs(toward))
    place = tf.cast(tf.range(tf.shape(mask)[0]), tf.float32) + 0.5
    place = (place - center[:, None]) / (2.0 * tf.reduce_max(half))
    y, x = place[0][:, None, None], place[1][None, :, None]
    sine, cosine = tf.sin(np.pi * turn), tf.cos(np.pi * turn)
    longer = 1.0 + (_LONGEST - 1.0) * ratio
    return tf.stack([(cosine * x + sine * y) / longer, cosine * y - sine * x])


def _patch_color(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A random color, mixed with one from the left edge of the image, which shows the surroundings."""
    seed = tf.random.experimental.stateless_fold_in(seed, 1)
    row, share, *color = tf.unstack(tf.random.stateless_uniform([5], seed))
    near = image[tf.cast(row * tf.cast(tf.shape(image)[0], tf.float32), tf.int32), 0]
    return share * near + (1.0 - share) * tf.stack(color)


def shrink(image: tf.Tensor, mask: tf.Tensor, factor: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Shrinks an image, and places it at random among more of its surroundings.

    The border is filled by mirroring the strip between the edge of the image and the object, repeatedly if necessary,
    so that it does not show the object. An object that is cut off by the edge of the image stays at that edge.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      factor: scale factor; from 1 on, the image does not change.
      seed: int `[2]`.

    Returns:
      (image, mask) of the same shapes and ranges.
    """
    size = tf.shape(image)[0]
    small_size = tf.maximum(1, tf.cast(tf.round(factor * tf.cast(size, tf.float32)), tf.int32))

    def smaller() -> tuple[tf.Tensor, tf.Tensor]:
        box = bounding_box(mask)
        offsets = tf.random.stateless_uniform([2], seed, maxval=size - small_size + 1, dtype=tf.int32)
        view = tf.concat([image, mask], axis=-1)
        view = _shrink_rows(view, small_size, offsets[0], box.top, box.bottom)
        view = tf.transpose(view, [1, 0, 2])
        view = tf.transpose(_shrink_rows(view, small_size, offsets[1], box.left, box.right), [1, 0, 2])
        object_map = view[..., 3:]
        # Keeps at least one pixel even of an object thinner than a pixel.
        there = object_map > 0.5 * tf.reduce_max(object_map)
        return tf.clip_by_value(view[..., :3], 0.0, 1.0), tf.cast(there, tf.float32)

    return tf.cond(small_size < size, smaller, lambda: (image, mask))


def _shrink_rows(
    view: tf.Tensor, small_size: tf.Tensor, offset: tf.Tensor, low: tf.Tensor, high: tf.Tensor
) -> tf.Tensor:
    """Shrinks the height of image and mask `[s, s, 4]` to `small_size` rows, starting at row `offset`.

    The object is in the rows from `low` to `high`. The strips above and below it fill the other rows in their original
    scale, so that they are repeated less often.
    """
    size = tf.shape(view)[0]
    small = tf.image.resize(view, [small_size, size], antialias=True)
    plain = tf.repeat(tf.reduce_mean(view, axis=(0, 1), keepdims=True) * [1.0, 1.0, 1.0, 0.0], size, axis=1)
    offset = tf.where(low == 0, 0, tf.where(high == size, size - small_size, offset))
    place = tf.range(size) - offset
    before = _back_and_forth(-1 - place, low)
    # There is no strip if the object extends from edge to edge.
    after = tf.where(high < size, size - 1 - _back_and_forth(place - small_size, size - high), size + small_size)
    rows = tf.where(place < 0, before, tf.where(place < small_size, size + place, after))
    return tf.gather(tf.concat([view, small, plain], axis=0), rows)


def _back_and_forth(steps: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The position after `steps` on a walk from 0 to `length` - 1 and back: 0 1 2 2 1 0 0 1 2 for a length of 3."""
    length = tf.maximum(length, 1)
    step = tf.math.floormod(steps, 2 * length)
    return tf.minimum(step, 2 * length - 1 - step)


def dim(image: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """Darkens an image `[s, s, 3]` to a mean luminance. All channels have the same factor, which keeps the hues."""
    return image * tf.minimum(1.0, tf.math.divide_no_nan(level, tf.reduce_mean(luminance(image))))


def add_noise(image: tf.Tensor, level: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds noise to an image `[s, s, 3]` to reach a noise level: the standard deviation of its luminance, in [0, 1]."""
    present = noise(luminance(image))
    missing = tf.sqrt(tf.maximum(tf.square(level) - tf.square(present), 0.0))
    shape = tf.concat([tf.shape(image)[:2], [1]], axis=0)
    return tf.clip_by_value(image + missing * tf.random.stateless_normal(shape, seed), 0.0, 1.0)
