"""Accuracy and saliency error of a network on the validation and test images of every task."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tqdm import tqdm

from sdkd_tf.data.pipeline import DecodedImages, make_dataset, to_pixels
from sdkd_tf.data.sequence import TaskSequence
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import SPLITS, Scores, Split
from sdkd_tf.evaluation.saliency_metrics import mean_absolute_error
from sdkd_tf.evaluation.upsampling import upsample
from sdkd_tf.model.network import as_outputs

_GALLERY_IMAGES = 8
_FLAT = 0.02  # a map in [0, 1] with a smaller range marks nothing


def held_out(sequence: TaskSequence, input_size: int) -> tf.data.Dataset:
    """Batches of all validation images and then all test images, which are kept in memory."""
    examples = [example for split in SPLITS for task in sequence.tasks for example in getattr(task, split)]
    return make_dataset(examples, input_size, 50, memory=DecodedImages())


def evaluate_tasks(predicted: tf.data.Dataset, sequence: TaskSequence) -> dict[Split, Scores]:
    """Scores a network on all tasks.

    Args:
      predicted: result of `predictions` for the batches of `held_out`.
      sequence: the tasks.

    Returns:
      {`validation`, `test`} -> Scores.
    """
    counts = [len(getattr(task, split)) for split in SPLITS for task in sequence.tasks]
    ends = np.cumsum(counts)[:-1]
    sets = list(zip(*(np.split(values, ends) for values in evaluate(predicted))))
    scores = {}
    for split, start in zip(SPLITS, (0, len(sequence.tasks))):
        part = sets[start : start + len(sequence.tasks)]
        maes = [None if np.isnan(errors).all() else float(np.nanmean(errors)) for _, errors in part]
        scores[split] = Scores([float(hits.mean()) for hits, _ in part], maes)
    return scores


def predictions(network: keras.Model, batches: tf.data.Dataset) -> tf.data.Dataset:
    """Pairs batches with the outputs of a network.

    Args:
      network: a network whose outputs `network.as_outputs` accepts.
      batches: batches of `pipeline.make_dataset`.

    Returns:
      A dataset of (batch, tuple of the network's outputs), which uses the network's weights at the time of iteration.
      Two batches are processed in parallel, because one batch of small images does not keep two cores busy.
    """

    @tf.autograph.experimental.do_not_convert
    def predict(batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tuple[tf.Tensor, ...]]:
        return batch, tuple(tf.nest.flatten(network(batch["image"], training=False)))

    return batches.map(predict, num_parallel_calls=2).prefetch(1)


def evaluate(predicted: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Compares predictions with labels and masks, and shows a progress bar.

    Args:
      predicted: result of `predictions`.

    Returns:
      (correct, errors), arrays with one value per image: whether the label is correct; and the mean absolute error, in
      [0, 1], of the refined map upsampled to the input size, nan without a mask or a map.
    """
    correct: list[bool] = []
    errors: list[float] = []
    for batch, values in tqdm(predicted, desc="evaluating", unit="batch"):
        outputs = as_outputs([value.numpy() for value in values])
        correct.extend(outputs.logits.argmax(axis=1) == batch["label"].numpy())
        maps = outputs.saliency
        errors.extend([np.nan] * len(outputs.logits) if maps is None else saliency_errors(maps[..., 0], batch))
    return np.array(correct), np.array(errors)


def maps_and_masks(maps: np.ndarray, batch: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray] | None]:
    """Pairs each map with its mask.

    Args:
      maps: `[b, h, w]` in [0, 1]; they are upsampled to the size of the masks.
      batch: a batch of `pipeline.make_dataset`.

    Returns:
      For each image a tuple (map, mask) of arrays `[input_size, input_size]`, or None without a mask.
    """
    masks = batch["mask"].numpy()[..., 0]
    pairs = zip(upsample(maps, *masks.shape[1:]), masks)
    return [pair if known else None for pair, known in zip(pairs, batch["has_mask"].numpy())]


def saliency_errors(maps: np.ndarray, batch: dict[str, Any]) -> Sequence[float]:
    """The mean absolute error of each map, nan without a mask. The arguments are those of `maps_and_masks`."""
    return [np.nan if pair is None else mean_absolute_error(*pair) for pair in maps_and_masks(maps, batch)]


def gallery(tasks: TaskSequence, input_size: int) -> np.ndarray:
    """Test images, spread over tasks and objects, whose maps are plotted after every task: uint8 `[n, s, s, 3]`."""
    chosen = []
    for k in range(_GALLERY_IMAGES):
        examples = tasks.tasks[k * len(tasks.tasks) // _GALLERY_IMAGES].test
        chosen.append(examples[(2 * k + 1) * len(examples) // (2 * _GALLERY_IMAGES)])
    return to_pixels(next(iter(make_dataset(chosen, input_size, len(chosen))))["image"].numpy())


def check_maps(maps: np.ndarray, task: str) -> None:
    """Raises UserError if maps `[n, h, w, 1]` that marked objects before a task have all become constants."""
    if np.ptp(maps, axis=(1, 2, 3)).max() < _FLAT:
        raise UserError(
            f"task {task}: the saliency map has become constant, at {maps.mean():.2f}; expected a lower"
            " --learning_rate, or --detach_map, so that the classification does not change the map"
        )
