"""tf.data: from Examples to batches. Image and mask are cropped and flipped alike; teacher and student see one view."""

import numpy as np
import tensorflow as tf
from PIL import Image

from sdkd_tf.data.images import letterbox, open_image, open_mask
from sdkd_tf.data.targets import draw_box

_BLUR_SHARE = 0.2  # of the augmented images
_BLUR_SIGMA = (0.5, 1.0)  # pixels of the network's input


def to_network_range(image):
    """Maps uint8 RGB to float32 in [-1, 1], what MobileNetV2's ImageNet weights expect."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_pixels(image):
    """The uint8 pixels that `to_network_range` mapped to this float array in [-1, 1]."""
    return np.round((image + 1) * np.float32(127.5)).astype(np.uint8)


def make_dataset(examples, input_size, batch_size, seed=None, batches=1, augmented=True, keep=False):
    """Builds the batches of some examples.

    Args:
      examples: a sequence of Examples.
      input_size: side of the square images in pixels.
      batch_size: images a batch.
      seed: an integer shuffles and augments, pass after pass in another order and with other views, the same whenever it is
        read from its start; None gives one pass in order, not augmented.
      batches: how many with a `seed`; each is full.
      augmented: with a `seed`, whether there are other views.
      keep: decode every image once and keep it in memory, 4 * input_size^2 bytes each; not with a `seed`.

    Returns:
      A tf.data.Dataset of dicts: image `[b, s, s, 3]` float32 in [-1, 1], label `[b]` int32, mask `[b, s, s, 1]` float32
      0 or 1, has_mask `[b]` float32 0 or 1. Of an image with a box and no mask, the mask is the filled box.
    """
    files = (
        [str(e.image) for e in examples],
        [str(e.mask or "") for e in examples],
        np.array([e.box or (0, 0, 0, 0) for e in examples], np.int32),
        np.array([e.label for e in examples], np.int32),
    )

    def decode(image, mask, box, label):
        pixels = tf.numpy_function(_read, [image, mask, box, input_size], tf.uint8, stateful=False)
        has_mask = (tf.strings.length(mask) > 0) | tf.reduce_any(box > 0)
        return tf.ensure_shape(pixels, (input_size, input_size, 4)), label, has_mask

    def scale(pixels, label, has_mask):
        return {
            "image": to_network_range(pixels[..., :3]),
            "label": label,
            "mask": tf.cast(pixels[..., 3:] > 127, tf.float32),
            "has_mask": tf.cast(has_mask, tf.float32),
        }

    if seed is None:
        dataset = tf.data.Dataset.from_tensor_slices(files)
    else:
        columns = tuple(tf.constant(column) for column in files)
        order = shuffled_passes(len(examples), seed).take(batches * batch_size)
        dataset = order.map(lambda index: tuple(column[index] for column in columns))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    if keep:
        dataset = dataset.cache()
    dataset = dataset.map(scale, num_parallel_calls=tf.data.AUTOTUNE)
    if seed is not None and augmented:
        seeds = tf.data.Dataset.counter().map(lambda number: tf.stack([tf.constant(seed, tf.int64), number]))
        dataset = tf.data.Dataset.zip((dataset, seeds)).map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size)
    return dataset.prefetch(2)


def shuffled_passes(count, seed):
    """An endless dataset of indices: pass after pass over 0 to `count` - 1, each in another order.

    It keeps no state, so that what it gives depends on the seed and the place alone, not on who has read from it before.
    """

    def index(number):
        turn = tf.cast(tf.stack([seed, number // count]), tf.int32)
        return tf.random.experimental.index_shuffle(tf.cast(number % count, tf.int32), turn, count - 1)

    return tf.data.Dataset.counter().map(index)


def _read(image_path, mask_path, box, size):
    """RGB and mask in one `[size, size, 4]` uint8 array; the mask of an image without mask and box is 0."""
    pixels = np.zeros((size, size, 4), np.uint8)
    image = open_image(image_path.decode())
    pixels[..., :3] = letterbox(image, size)
    if mask_path or box.any():
        mask = open_mask(mask_path.decode()) if mask_path else draw_box(box, image.size)
        pixels[..., 3] = letterbox(mask, size, Image.Resampling.NEAREST)
    return pixels


def augment(example, seed):
    """Random crop of 80 to 100 % of the side, horizontal flip, colour jitter, and on every fifth image a slight blur.

    Args:
      example: one element of `make_dataset`, not batched.
      seed: int64 `[2]`; the same seed gives the same view.

    Returns:
      The example with another view; image and mask stay aligned and in their ranges.
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
    shape = example["image"].shape
    return {
        **example,
        "image": tf.ensure_shape(image * 2.0 - 1.0, shape),
        "mask": tf.ensure_shape(mask, shape[:2] + [1]),
    }


def gaussian_blur(image, sigma):
    """Blurs by a 5x5 Gaussian kernel.

    Args:
      image: float32 `[h, w, 3]`.
      sigma: in pixels, at most 1: the kernel ends at 2 pixels.

    Returns:
      float32 `[h, w, 3]`; the border is mirrored, so a plain image stays as it is.
    """
    line = tf.exp(-tf.square(tf.range(-2.0, 3.0) / sigma) / 2.0)
    kernel = line[:, None] * line[None, :] / tf.square(tf.reduce_sum(line))
    padded = tf.pad(image, [[2, 2], [2, 2], [0, 0]], "SYMMETRIC")
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, 3, 1])
    return tf.nn.depthwise_conv2d(padded[None], kernel, [1, 1, 1, 1], "VALID")[0]
