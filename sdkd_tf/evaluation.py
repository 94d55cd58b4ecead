"""Accuracy and saliency error of a network on every task's validation and test images."""

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.model.network import as_outputs
from sdkd_tf.saliency_metrics import mean_absolute_error
from sdkd_tf.upsampling import upsample

_KEEP_BYTES = 2**29  # of decoded images, over which they are decoded anew for every evaluation


def held_out(sequence, input_size, batch_size=50):
    """Batches of all validation and then all test images of a sequence, kept in memory if they take little of it."""
    examples = [e for split in ("validation", "test") for task in sequence.tasks for e in getattr(task, split)]
    keep = len(examples) * input_size**2 * 4 <= _KEEP_BYTES
    return make_dataset(examples, input_size, batch_size, keep=keep)


def evaluate_all(predicted, sequence, results):
    """Appends a row to each matrix in `results`: validation and test accuracy and saliency MAE on every task.

    Args:
      predicted: of `held_out`'s batches, from `predictions`.
      sequence: the TaskSequence.
      results: a dict with the matrices.
    """
    counts = [len(getattr(task, split)) for split in ("validation", "test") for task in sequence.tasks]
    ends = np.cumsum(counts)[:-1]
    sets = zip(*(np.split(values, ends) for values in evaluate(predicted)))
    for split in ("validation", "test"):
        accuracies, maes = [], []
        for _ in sequence.tasks:
            hits, errors = next(sets)
            accuracies.append(float(hits.mean()))
            maes.append(None if np.isnan(errors).all() else float(np.nanmean(errors)))
        results["accuracy_matrix"][split].append(accuracies)
        results["saliency_mae_matrix"][split].append(maes)


def predictions(network, batches):
    """Pairs batches with what a network says of them, as it is when they are drawn.

    Args:
      network: a network that `network.as_outputs` understands.
      batches: as `pipeline.make_dataset` gives them.

    Returns:
      A tf.data.Dataset of (batch, tuple of the network's outputs). Two batches are worked on at once: a small image does
      not keep two cores busy.
    """

    @tf.autograph.experimental.do_not_convert
    def predict(batch):
        return batch, tuple(tf.nest.flatten(network(batch["image"], training=False)))

    return batches.map(predict, num_parallel_calls=2).prefetch(1)


def evaluate(predicted):
    """Compares predictions with the truth, with a progress bar.

    Args:
      predicted: from `predictions`.

    Returns:
      (correct, errors), arrays with one value an image: whether the label was found, and the mean absolute error of the
      refined map, upsampled to the input size, in [0, 1], nan without a mask or a map.
    """
    correct, errors = [], []
    for batch, outputs in tqdm(predicted, desc="evaluating", unit="batch"):
        outputs = as_outputs([output.numpy() for output in outputs])
        correct.extend(outputs.logits.argmax(axis=1) == batch["label"].numpy())
        maps = outputs.saliency
        errors.extend([np.nan] * len(outputs.logits) if maps is None else saliency_errors(maps[..., 0], batch))
    return np.array(correct), np.array(errors)


def maps_and_masks(maps, batch):
    """Pairs each map with its mask.

    Args:
      maps: `[b, h, w]` in [0, 1]; they are upsampled to the masks' size.
      batch: as `pipeline.make_dataset` gives it.

    Returns:
      A list of b tuples (map, mask), arrays `[input_size, input_size]`, or None where there is no mask.
    """
    masks = batch["mask"].numpy()[..., 0]
    pairs = zip(upsample(maps, *masks.shape[1:]), masks)
    return [pair if known else None for pair, known in zip(pairs, batch["has_mask"].numpy())]


def saliency_errors(maps, batch):
    """The mean absolute error of each map against its mask.

    Args:
      maps, batch: as `maps_and_masks` takes them.

    Returns:
      A list of b numbers in [0, 1], nan where there is no mask.
    """
    return [np.nan if pair is None else mean_absolute_error(*pair) for pair in maps_and_masks(maps, batch)]
