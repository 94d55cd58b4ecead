"""tf.data: from Examples to batches. Image and mask are cropped and flipped alike; teacher and student see one view."""

import numpy as np
import tensorflow as tf
from PIL import Image

from sdkd_tf.data.images import letterbox, open_image, open_mask


def to_network_range(image):
    """Maps uint8 RGB to float32 in [-1, 1], what MobileNetV2's ImageNet weights expect."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def make_dataset(examples, input_size, batch_size, augment_seed=None, drop_remainder=False):
    """Builds the batches of some examples.

    Args:
      examples: a sequence of Examples.
      input_size: side of the square images in pixels.
      batch_size: images a batch.
      augment_seed: an integer shuffles and augments, differently in every epoch; None keeps order and images.
      drop_remainder: leave out the last, smaller batch, unless it is the only one.

    Returns:
      A tf.data.Dataset of dicts: image `[b, s, s, 3]` float32 in [-1, 1], label `[b]` int32, mask `[b, s, s, 1]` float32
      0 or 1, has_mask `[b]` float32 0 or 1.
    """
    files = (
        [str(e.image) for e in examples],
        [str(e.mask or "") for e in examples],
        np.array([e.label for e in examples], np.int32),
    )

    def read(image, mask, label):
        pixels = tf.numpy_function(_read, [image, mask, input_size], tf.uint8, stateful=False)
        pixels = tf.ensure_shape(pixels, (input_size, input_size, 4))
        return {
            "image": to_network_range(pixels[..., :3]),
            "label": label,
            "mask": tf.cast(pixels[..., 3:] > 127, tf.float32),
            "has_mask": tf.cast(tf.strings.length(mask) > 0, tf.float32),
        }

    dataset = tf.data.Dataset.from_tensor_slices(files)
    if augment_seed is not None:
        dataset = dataset.shuffle(len(examples), seed=augment_seed)
    dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    if augment_seed is not None:
        seeds = tf.data.Dataset.random(augment_seed, rerandomize_each_iteration=True).batch(2)
        dataset = tf.data.Dataset.zip((dataset, seeds)).map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size, drop_remainder=drop_remainder and len(examples) >= batch_size)
    return dataset.prefetch(2)


def _read(image_path, mask_path, size):
    """RGB and mask in one `[size, size, 4]` uint8 array; the mask of an image without one is 0."""
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[..., :3] = letterbox(open_image(image_path.decode()), size)
    if mask_path:
        pixels[..., 3] = letterbox(open_mask(mask_path.decode()), size, Image.Resampling.NEAREST)
    return pixels


def augment(example, seed):
    """Random crop of 80 to 100 % of the side, horizontal flip, and colour jitter.

    Args:
      example: one element of `make_dataset`, not batched.
      seed: int64 `[2]`; the same seed gives the same view.

    Returns:
      The example with another view; image and mask stay aligned and in their ranges.
    """
    seeds = tf.unstack(tf.random.split(seed, 4))
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
    shape = example["image"].shape
    return {
        **example,
        "image": tf.ensure_shape(image * 2.0 - 1.0, shape),
        "mask": tf.ensure_shape(mask, shape[:2] + [1]),
    }
