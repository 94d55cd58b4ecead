"""tf.data: from Examples to batches."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from sdkd_tf.data.augmentation import AUGMENTATIONS
from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.masks import open_mask
from sdkd_tf.data.sequence import Example
from sdkd_tf.data.targets import draw_box


def to_network_range(image: tf.Tensor) -> tf.Tensor:
    """Maps uint8 RGB to float32 in [-1, 1], what MobileNetV2's ImageNet weights expect."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_pixels(image: np.ndarray) -> np.ndarray:
    """The uint8 pixels that `to_network_range` mapped to this float array in [-1, 1]."""
    return np.round((image + 1) * np.float32(127.5)).astype(np.uint8)


def make_dataset(
    examples: Sequence[Example],
    input_size: int,
    batch_size: int,
    seed: int | None = None,
    batches: int = 1,
    augmentation: str = "light",
    keep: bool = False,
    input_context: tf.distribute.InputContext = tf.distribute.InputContext(),  # noqa: B008  nothing changes it
) -> tf.data.Dataset:
    """Builds the batches of some examples.

    Args:
      examples: a sequence of Examples.
      input_size: side of the square images in pixels.
      batch_size: images a batch.
      seed: an integer shuffles and augments, pass after pass in another order and with other views, the same whenever it is
        read from its start; None gives one pass in order, not augmented.
      batches: how many with a `seed`; each is full.
      augmentation: with a `seed`, which views: a key of `augmentation.AUGMENTATIONS`.
      keep: decode every image once and keep it in memory, 4 * input_size^2 bytes each; not with a `seed`.
      input_context: with a `seed`, of which worker this is the input: of each batch it reads its part alone, as a batch for
        each of its replicas.

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

    def decode(image: tf.Tensor, mask: tf.Tensor, box: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels = tf.numpy_function(_read, [image, mask, box, input_size], tf.uint8, stateful=False)
        has_mask = (tf.strings.length(mask) > 0) | tf.reduce_any(box > 0)
        return tf.ensure_shape(pixels, (input_size, input_size, 4)), label, has_mask

    if seed is None:
        dataset = tf.data.Dataset.from_tensor_slices(files)
    else:
        columns = tuple(tf.constant(column) for column in files)
        places = _places(batches, batch_size, input_context)
        dataset = shuffled_passes(len(examples), seed, places).map(lambda i: tuple(column[i] for column in columns))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    if keep:
        dataset = dataset.cache()
    dataset = dataset.map(_scale, num_parallel_calls=tf.data.AUTOTUNE)
    augment = AUGMENTATIONS[augmentation]
    if seed is not None and augment:
        seeds = places.map(lambda place: tf.stack([tf.constant(seed, tf.int64), place]))
        dataset = tf.data.Dataset.zip((dataset, seeds)).map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size // input_context.num_replicas_in_sync)
    return dataset.prefetch(2)


def _scale(pixels: tf.Tensor, label: tf.Tensor, has_mask: tf.Tensor) -> dict[str, tf.Tensor]:
    return {
        "image": to_network_range(pixels[..., :3]),
        "label": label,
        "mask": tf.cast(pixels[..., 3:] > 127, tf.float32),
        "has_mask": tf.cast(has_mask, tf.float32),
    }


def _places(batches: int, batch_size: int, input_context: tf.distribute.InputContext) -> tf.data.Dataset:
    """The places of one worker's images in the row of all images of all batches: a dataset of int64."""
    workers, worker = input_context.num_input_pipelines, input_context.input_pipeline_id
    part = batch_size // workers
    numbers = tf.data.Dataset.range(batches * part)
    return numbers.map(lambda number: number // part * batch_size + worker * part + number % part)


def shuffled_passes(count: int, seed: int, places: tf.data.Dataset | None = None) -> tf.data.Dataset:
    """A dataset of indices: pass after pass over 0 to `count` - 1, each in another order.

    It keeps no state, so that what it gives depends on the seed and the place alone, not on who has read from it before.

    Args:
      count: of what is shuffled.
      seed: an integer.
      places: a dataset of the places in this row, int64, to give the indices at; None gives all of them, without end.
    """

    def index(number: tf.Tensor) -> tf.Tensor:
        turn = tf.cast(tf.stack([seed, number // count]), tf.int32)
        return tf.random.experimental.index_shuffle(tf.cast(number % count, tf.int32), turn, count - 1)

    return (tf.data.Dataset.counter() if places is None else places).map(index)


def _read(image_path: bytes, mask_path: bytes, box: np.ndarray, size: int) -> np.ndarray:
    """RGB and mask in one `[size, size, 4]` uint8 array; the mask of an image without mask and box is 0."""
    pixels = np.zeros((size, size, 4), np.uint8)
    image = open_image(image_path.decode())
    pixels[..., :3] = letterbox(image, size)
    if mask_path or box.any():
        mask = open_mask(mask_path.decode()) if mask_path else draw_box(box.tolist(), image.size)
        pixels[..., 3] = letterbox(mask, size, Image.Resampling.NEAREST)
    return pixels
