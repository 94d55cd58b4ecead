"""Data augmentation. Image and mask are transformed alike; teacher and student see the same augmented image."""

import tensorflow as tf

Batch = dict[str, tf.Tensor]

_BLUR_SHARE = 0.2  # fraction of the images
_BLUR_SIGMA = (0.5, 1.0)  # in pixels of the network's input
_HARD_SHARE = 0.3  # fraction of the images, for each transformation that `augment_hard` adds
_ZOOM = (0.3, 0.9)  # side of the shrunken image as a fraction of the input size
_COVER = (0.2, 0.6)  # covered fraction of the object's bounding box
_DARKNESS = (0.25, 0.7)  # brightness factor


def augment(example: Batch, seed: tf.Tensor) -> Batch:
    """Random crop to 80 to 100 % of the side, horizontal flip, color jitter, and a slight blur of every fifth image.

    Other entries to the challenge used the same augmentation.

    Args:
      example: an element of `pipeline.make_dataset` before batching.
      seed: int64 `[2]`; the same seed gives the same result.

    Returns:
      The augmented example. Image and mask stay aligned and keep their ranges.
    """
    seeds = tf.unstack(tf.random.split(seed, 6))
    size = tf.shape(example["image"])[0]
    view = tf.concat([example["image"], example["mask"]], axis=-1)
    side = tf.cast(tf.cast(size, tf.float32) * tf.random.stateless_uniform([], seeds[0], 0.8, 1.0), tf.int32)
    view = tf.image.stateless_random_crop(view, [side, side, 4], seeds[1])
    view = tf.image.stateless_random_flip_left_right(view, seeds[2])
    mask = tf.image.resize(view[..., 3:], [size, size], "nearest")
    image = (tf.image.resize(view[..., :3], [size, size]) + 1.0) / 2.0
    gain, contrast, saturation = tf.unstack(tf.random.stateless_uniform([3], seeds[3], 0.7, 1.3))
    image = tf.image.adjust_saturation(tf.clip_by_value(image * gain, 0.0, 1.0), saturation)
    image = tf.clip_by_value(tf.image.adjust_contrast(image, contrast), 0.0, 1.0)
    sigma = tf.random.stateless_uniform([], seeds[4], *_BLUR_SIGMA)
    chosen = tf.random.stateless_uniform([], seeds[5]) < _BLUR_SHARE
    image = tf.cond(chosen, lambda: gaussian_blur(image, sigma), lambda: image)
    return _like(example, image, mask)


def augment_hard(example: Batch, seed: tf.Tensor) -> Batch:
    """Like `augment`, but also zooms out, covers part of the object, or darkens, each with a probability of 0.3.

    The images of a task share one kind of difficulty. Augmentation that imitates the difficulties of other tasks helps
    to retain what was learned from them without their images: the teacher's maps and logits for such images tell the
    student what to remember.

    Args and returns: see `augment`.
    """
    example = augment(example, seed)
    seeds = tf.unstack(tf.random.split(tf.random.experimental.stateless_fold_in(seed, 1), 6))
    image, mask = (example["image"] + 1.0) / 2.0, example["mask"]
    for number, change in enumerate((zoom_out, cover, darken)):
        chosen = tf.random.stateless_uniform([], seeds[2 * number]) < _HARD_SHARE
        image, mask = tf.cond(
            chosen,
            lambda change=change, number=number, image=image, mask=mask: change(image, mask, seeds[2 * number + 1]),
            lambda image=image, mask=mask: (image, mask),
        )
    return _like(example, image, mask)


def zoom_out(image: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Shrinks an image and its mask, and places them at random on a square filled with the mean color of the image.

    Args:
      image: float32 `[s, s, 3]` in [0, 1].
      mask: float32 `[s, s, 1]`, 0 or 1.
      seed: int `[2]`.

    Returns:
      (image, mask) of the same shapes and ranges.
    """
    size = tf.shape(image)[0]
    side, top, left = tf.unstack(tf.random.stateless_uniform([3], seed))
    side = tf.cast(tf.cast(size, tf.float32) * (_ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * side), tf.int32)
    free = tf.cast(size - side, tf.float32)
    ground = tf.concat([tf.reduce_mean(image, axis=(0, 1)), [0.0]], axis=0)
    small = tf.image.resize(tf.concat([image, mask], axis=-1), [side, side], antialias=True) - ground
    top, left = tf.cast(top * free, tf.int32), tf.cast(left * free, tf.int32)
    wide = tf.image.pad_to_bounding_box(small, top, left, size, size) + ground
    return tf.clip_by_value(wide[..., :3], 0.0, 1.0), tf.cast(wide[..., 3:] > 0.5, tf.float32)


def cover(image: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Covers part of the object's bounding box, starting from one of its four sides, with a random color.

    Args:
      image, mask, seed: see `zoom_out`. An image without an object stays unchanged.

    Returns:
      (image, mask). The mask is 0 where the object is covered.
    """
    size = tf.shape(image)[0]
    share, side, *color = tf.unstack(tf.random.stateless_uniform([5], seed))
    share = _COVER[0] + (_COVER[1] - _COVER[0]) * share
    covered = tf.ones_like(mask, tf.bool)
    for axis in (0, 1):
        there = tf.reduce_any(mask > 0, axis=(1 - axis, 2))
        place = tf.cast(tf.range(size), tf.float32)
        low = tf.reduce_min(tf.where(there, place, tf.cast(size, tf.float32)))
        high = tf.reduce_max(tf.where(there, place + 1.0, 0.0))
        part = share * (high - low)
        # Sides 0 and 1 are the top and bottom of the box, 2 and 3 its left and right.
        number = tf.cast(side * 4.0, tf.int32) - 2 * axis
        start = tf.where(number == 1, high - part, low)
        end = tf.where(number == 0, low + part, high)
        inside = (place >= start) & (place < end)
        covered &= inside[:, None, None] if axis == 0 else inside[None, :, None]
    hole = tf.cast(covered, tf.float32)
    return image * (1.0 - hole) + tf.stack(color) * hole, mask * (1.0 - hole)


def darken(image: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Darkens an image; the mask stays unchanged. Args and returns: see `zoom_out`."""
    return image * tf.random.stateless_uniform([], seed, *_DARKNESS), mask


AUGMENTATIONS = {"none": lambda example, seed: example, "light": augment, "hard": augment_hard}


def gaussian_blur(image: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blurs an image with a 5x5 Gaussian kernel.

    Args:
      image: float32 `[h, w, 3]`.
      sigma: standard deviation in pixels, at most 1, because the kernel is cut off at 2 pixels.

    Returns:
      float32 `[h, w, 3]`. The border is mirrored, so a uniform image stays unchanged.
    """
    line = tf.exp(-tf.square(tf.range(-2.0, 3.0) / sigma) / 2.0)
    kernel = line[:, None] * line[None, :] / tf.square(tf.reduce_sum(line))
    padded = tf.pad(image, [[2, 2], [2, 2], [0, 0]], "SYMMETRIC")
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, 3, 1])
    return tf.nn.depthwise_conv2d(padded[None], kernel, [1, 1, 1, 1], "VALID")[0]


def _like(example: Batch, image: tf.Tensor, mask: tf.Tensor) -> Batch:
    """Returns the example with another image, given in [0, 1], and another mask."""
    shape = example["image"].shape
    return {
        **example,
        "image": tf.ensure_shape(image * 2.0 - 1.0, shape),
        "mask": tf.ensure_shape(mask, shape[:2] + [1]),
    }
