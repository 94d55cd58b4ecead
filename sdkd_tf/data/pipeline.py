"""The tf.data input pipeline, from Examples to batches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from sdkd_tf.data.augmentation import AUGMENTATIONS
from sdkd_tf.data.difficulty.rehearsal import rehearse
from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.masks import open_mask
from sdkd_tf.data.sequence import Example
from sdkd_tf.data.targets import draw_box


class DecodedImages:
    """Decoded images in memory, because photos take longer to decode than to learn from."""

    def __init__(self, limit: int = 2**29):
        """Args: the number of bytes to keep. Images beyond it are decoded each time."""
        self._free = limit
        self._kept: dict[tuple, np.ndarray] = {}

    def read(self, image_path: bytes, mask_path: bytes, box: np.ndarray, size: int) -> np.ndarray:
        """An image and its mask as one uint8 array `[size, size, 4]`; 4 * size^2 bytes."""
        key = image_path, mask_path, box.tobytes(), int(size)
        if key in self._kept:
            return self._kept[key]
        pixels = _read(image_path, mask_path, box, size)
        if pixels.nbytes <= self._free:
            self._free -= pixels.nbytes
            self._kept[key] = pixels
        return pixels


def to_network_range(image: tf.Tensor) -> tf.Tensor:
    """Maps uint8 RGB to float32 in [-1, 1], as MobileNetV2's ImageNet weights expect."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_pixels(image: np.ndarray) -> np.ndarray:
    """The inverse of `to_network_range`: maps a float array in [-1, 1] to uint8."""
    return np.round((image + 1) * np.float32(127.5)).astype(np.uint8)


def make_dataset(
    examples: Sequence[Example],
    input_size: int,
    batch_size: int,
    seed: int | None = None,
    batches: int = 1,
    augmentation: str = "light",
    rows: np.ndarray | None = None,
    memory: DecodedImages | None = None,
    input_context: tf.distribute.InputContext = tf.distribute.InputContext(),
) -> tf.data.Dataset:
    """Makes a dataset of batches.

    Args:
      examples: the Examples to read.
      input_size: side of the square images in pixels.
      batch_size: images per batch.
      seed: None for one pass in order, without augmentation. With an integer, the examples are repeated, reshuffled in
        each pass and augmented; the result depends only on the seed.
      batches: number of batches if there is a `seed`; all of them are full.
      augmentation: a key of `augmentation.AUGMENTATIONS`, used if there is a `seed`.
      rows: difficulties of earlier tasks, `[n, 4]`; if there is a `seed`, every second image of a batch is only lightly
        augmented, and then shown as hard as a random one of them; see `rehearsed`.
      memory: keeps decoded images for other datasets of the same examples.
      input_context: the worker that reads the dataset, if there is a `seed`. It reads its part of every batch, in one
        batch for each of its replicas.

    Returns:
      A tf.data.Dataset of dicts with the keys

      - `image`: float32 `[b, s, s, 3]` in [-1, 1],
      - `label`: int32 `[b]`,
      - `mask`: float32 `[b, s, s, 1]`, 0 or 1; the filled box if the image has a box but no mask,
      - `has_mask`: float32 `[b]`, 1 if there is a mask or box, otherwise 0.
    """
    files = _columns(examples)
    read = memory.read if memory else _read

    def decode(image: tf.Tensor, mask: tf.Tensor, box: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels = tf.numpy_function(read, [image, mask, box, input_size], tf.uint8, stateful=False)
        has_mask = (tf.strings.length(mask) > 0) | tf.reduce_any(box > 0)
        return tf.ensure_shape(pixels, (input_size, input_size, 4)), label, has_mask

    if seed is None:
        dataset = tf.data.Dataset.from_tensor_slices(files)
    else:
        columns = tuple(tf.constant(column) for column in files)
        places = _places(batches, batch_size, input_context)
        dataset = shuffled_passes(len(examples), seed, places).map(lambda i: tuple(column[i] for column in columns))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.map(_scale, num_parallel_calls=tf.data.AUTOTUNE)
    if seed is not None:
        seeds = places.map(lambda place: tf.stack([tf.constant(seed, tf.int64), place]))
        vary = _variation(augmentation, rows, batch_size)
        dataset = tf.data.Dataset.zip((dataset, seeds)).map(vary, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size // input_context.num_replicas_in_sync)
    return dataset.prefetch(2)


def _columns(examples: Sequence[Example]) -> tuple[Any, ...]:
    """Paths of images and masks, boxes and labels; an empty path or a box of zeros if there is none."""
    return (
        [str(e.image) for e in examples],
        [str(e.mask or "") for e in examples],
        np.array([e.box or (0, 0, 0, 0) for e in examples], np.int32),
        np.array([e.label for e in examples], np.int32),
    )


def rehearsed(values: tf.Tensor) -> tf.Tensor:
    """The values of the rehearsed images of a batch: every second one, from the last one on."""
    return values[::-2]


def _variation(augmentation: str, rows: np.ndarray | None, batch_size: int) -> Callable[..., dict[str, tf.Tensor]]:
    """The function of an example and a seed `[2]`, whose second number is the example's place, that augments it."""
    augment, light = AUGMENTATIONS[augmentation], AUGMENTATIONS["light" if augmentation == "hard" else augmentation]

    def vary(example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        if rows is None:
            return augment(example, seed)
        return tf.cond(
            (batch_size - 1 - seed[1] % batch_size) % 2 == 0,
            lambda: rehearse(light(example, seed), tf.constant(rows), seed),
            lambda: augment(example, seed),
        )

    return vary


def _scale(pixels: tf.Tensor, label: tf.Tensor, has_mask: tf.Tensor) -> dict[str, tf.Tensor]:
    return {
        "image": to_network_range(pixels[..., :3]),
        "label": label,
        "mask": tf.cast(pixels[..., 3:] > 127, tf.float32),
        "has_mask": tf.cast(has_mask, tf.float32),
    }


def _places(batches: int, batch_size: int, input_context: tf.distribute.InputContext) -> tf.data.Dataset:
    """The positions of one worker's images among the images of all batches, counted from 0: a dataset of int64."""
    workers, worker = input_context.num_input_pipelines, input_context.input_pipeline_id
    part = batch_size // workers
    numbers = tf.data.Dataset.range(batches * part)
    return numbers.map(lambda number: number // part * batch_size + worker * part + number % part)


def shuffled_passes(count: int, seed: int, places: tf.data.Dataset | None = None) -> tf.data.Dataset:
    """Makes an infinite dataset of indices: repeated passes over 0 to `count` - 1, each in a different random order.

    The dataset is stateless: each index depends only on the seed and its position.

    Args:
      count: number of indices.
      seed: an integer.
      places: an int64 dataset of positions at which to read the infinite dataset; None reads all of them.
    """

    def index(number: tf.Tensor) -> tf.Tensor:
        turn = tf.cast(tf.stack([seed, number // count]), tf.int32)
        return tf.random.experimental.index_shuffle(tf.cast(number % count, tf.int32), turn, count - 1)

    return (tf.data.Dataset.counter() if places is None else places).map(index)


def _read(image_path: bytes, mask_path: bytes, box: np.ndarray, size: int) -> np.ndarray:
    """Reads an image and its mask as one uint8 array `[size, size, 4]`; without a mask or box, the mask is 0."""
    pixels = np.zeros((size, size, 4), np.uint8)
    image = open_image(image_path.decode())
    pixels[..., :3] = letterbox(image, size)
    if mask_path or box.any():
        mask = open_mask(mask_path.decode()) if mask_path else draw_box(box.tolist(), image.size)
        pixels[..., 3] = letterbox(mask, size, Image.Resampling.NEAREST)
    return pixels
