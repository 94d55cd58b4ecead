"""Images of a new task shown as hard as those of an old one: covered, smaller, darker, noisier, never the reverse."""

import numpy as np
import tensorflow as tf

from sdkd_tf.data.difficulty.statistics import Difficulty, bounding_box, fullness, luminance, noise, object_side

_LEAST_HIDDEN = 0.3  # share of the object; less is not covered, since shapes alone differ as much
_SHADE = 0.4  # the patch is that much darker at one end than at the other
_LONGEST = 2.0  # ratio of the patch's sides


def show(image: tf.Tensor, mask: tf.Tensor, row: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Shows an image at the difficulty of a row.

    Where the image is easier, the object's side, the light and the noise become those of the row; the share of the
    object that is left is the ratio of both numbers `visible`. Where the image is already as hard, it stays as it is.
    Without an object only light and noise change.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1.
      row: float32 `[4]`, the columns of `statistics.Difficulty`.
      seed: int `[2]`; the same seed gives the same view.

    Returns:
      (image, mask) of the same shapes and ranges; what is covered is no object any more.
    """
    cover_seed, place_seed, noise_seed = tf.unstack(tf.random.split(seed, 3))
    goal = Difficulty(*tf.unstack(row))
    shape = image.shape
    light = tf.minimum(goal.luminance, tf.reduce_mean(luminance(image)))  # a patch or more surroundings may add some

    def small_and_covered() -> tuple[tf.Tensor, tf.Tensor]:
        hidden = 1.0 - goal.visible / fullness(mask)
        covers = hidden > _LEAST_HIDDEN
        patch, left = tf.cond(covers, lambda: find_patch(mask, hidden, cover_seed), lambda: (0.0, mask))
        # The patch would be mirrored if it came before shrinking, which aims at the side of what will be left.
        small = shrink(image, mask, goal.side / object_side(left), place_seed)
        return tf.cond(covers, lambda: cover(*small, patch, cover_seed), lambda: small)

    image, mask = tf.cond(tf.reduce_any(mask > 0.5), small_and_covered, lambda: (image, mask))
    image = add_noise(dim(image, light), goal.noise, noise_seed)
    return tf.ensure_shape(image, shape), tf.ensure_shape(mask, [*shape[:2], 1])


def find_patch(mask: tf.Tensor, hidden: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds how large a patch has to be to hide a share of the object.

    Args:
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      hidden: share of the object, in (0, 1].
      seed: int `[2]`, that of `cover`.

    Returns:
      (half of the patch's shorter side, in units of the longer side of the object's box; the mask of what is left).
    """
    distance = tf.reduce_max(tf.abs(_patch_coordinates(mask, seed)), axis=0)
    # The patch grows around its center until it covers as many of the object's pixels as are to be hidden.
    reached = tf.sort(tf.boolean_mask(distance, mask > 0.5))
    count = tf.size(reached)
    number = tf.minimum(tf.cast(tf.round(hidden * tf.cast(count, tf.float32)), tf.int32), count - 1)
    return reached[number], mask * tf.cast(distance >= reached[number], tf.float32)


def cover(image: tf.Tensor, mask: tf.Tensor, patch: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Covers a part of the object by a patch: a turned, shaded rectangle around a point on the edge of its box.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      patch: half of its shorter side, in units of the longer side of the object's box.
      seed: int `[2]`.

    Returns:
      (image, mask) of the same shapes and ranges; what is covered is no object any more.
    """
    place = _patch_coordinates(mask, seed)
    hole = tf.cast(tf.reduce_max(tf.abs(place), axis=0) < patch, tf.float32)
    shade = hole * (1.0 + _SHADE * (tf.math.divide_no_nan(place[0], patch) - 1.0) / 2.0)
    return image * (1.0 - hole) + _patch_color(image, seed) * shade, mask * (1.0 - hole)


def _patch_coordinates(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Positions of the pixels along the two sides of a patch, from its center: `[2, s, s, 1]`, the same in every scale.

    The unit along the shorter side is the longer side of the object's box; along the other it is longer, as that is.
    """
    box = tf.cast(tf.stack(bounding_box(mask)), tf.float32)
    middle, half = (box[2:] + box[:2]) / 2.0, (box[2:] - box[:2]) / 2.0
    direction, turn, ratio = tf.unstack(tf.random.stateless_uniform([3], seed))
    # What stands in front of an object hides it from below or from a side, hardly from above.
    toward = tf.stack([tf.sin(np.pi * direction), tf.cos(np.pi * direction)])
    center = middle + half * toward / tf.reduce_max(tf.abs(toward))
    place = tf.cast(tf.range(tf.shape(mask)[0]), tf.float32) + 0.5
    place = (place - center[:, None]) / (2.0 * tf.reduce_max(half))
    y, x = place[0][:, None, None], place[1][None, :, None]
    sine, cosine = tf.sin(np.pi * turn), tf.cos(np.pi * turn)
    longer = 1.0 + (_LONGEST - 1.0) * ratio
    return tf.stack([(cosine * x + sine * y) / longer, cosine * y - sine * x])


def _patch_color(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A color from the image's left edge, where the surroundings are, mixed with a random one."""
    seed = tf.random.experimental.stateless_fold_in(seed, 1)
    row, share, *color = tf.unstack(tf.random.stateless_uniform([5], seed))
    near = image[tf.cast(row * tf.cast(tf.shape(image)[0], tf.float32), tf.int32), 0]
    return share * near + (1.0 - share) * tf.stack(color)


def shrink(image: tf.Tensor, mask: tf.Tensor, factor: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Scales an image down and puts it somewhere among more of its surroundings.

    The free border mirrors the strip between the image's edge and the object, again and again: the object is not in it.
    An object that the image's edge cuts off stays at that edge.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1, not all 0.
      factor: of the side; from 1 on the image stays as it is.
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
        # Something is left even of an object that is thinner than a pixel.
        there = object_map > 0.5 * tf.reduce_max(object_map)
        return tf.clip_by_value(view[..., :3], 0.0, 1.0), tf.cast(there, tf.float32)

    return tf.cond(small_size < size, smaller, lambda: (image, mask))


def _shrink_rows(
    view: tf.Tensor, small_size: tf.Tensor, offset: tf.Tensor, low: tf.Tensor, high: tf.Tensor
) -> tf.Tensor:
    """Scales a view `[s, s, 4]` in height to `small_size` rows from `offset` on.

    The object is in the rows from `low` to `high`. The strips beside it fill the rest in their old scale: shrunk, they
    would be repeated more often.
    """
    size = tf.shape(view)[0]
    small = tf.image.resize(view, [small_size, size], antialias=True)
    plain = tf.repeat(tf.reduce_mean(view, axis=(0, 1), keepdims=True) * [1.0, 1.0, 1.0, 0.0], size, axis=1)
    offset = tf.where(low == 0, 0, tf.where(high == size, size - small_size, offset))
    place = tf.range(size) - offset
    before = _back_and_forth(-1 - place, low)
    # An object from edge to edge has no strip.
    after = tf.where(high < size, size - 1 - _back_and_forth(place - small_size, size - high), size + small_size)
    rows = tf.where(place < 0, before, tf.where(place < small_size, size + place, after))
    return tf.gather(tf.concat([view, small, plain], axis=0), rows)


def _back_and_forth(steps: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Where a walk from 0 to `length` - 1 and back is after `steps`: 0 1 2 2 1 0 0 1 2 for a length of 3."""
    length = tf.maximum(length, 1)
    step = tf.math.floormod(steps, 2 * length)
    return tf.minimum(step, 2 * length - 1 - step)


def dim(image: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """Takes light from an image `[s, s, 3]` down to a mean luminance; one factor for all colors keeps the hues."""
    return image * tf.minimum(1.0, tf.math.divide_no_nan(level, tf.reduce_mean(luminance(image))))


def add_noise(image: tf.Tensor, level: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds what an image `[s, s, 3]` lacks of a noise level, the standard deviation of its luminance, in [0, 1]."""
    present = noise(luminance(image))
    missing = tf.sqrt(tf.maximum(tf.square(level) - tf.square(present), 0.0))
    shape = tf.concat([tf.shape(image)[:2], [1]], axis=0)
    return tf.clip_by_value(image + missing * tf.random.stateless_normal(shape, seed), 0.0, 1.0)
