"""Scores of a network on labelled images: accuracy, and its maps in the measures of the field."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import tf_keras as keras

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import Example
from sdkd_tf.evaluation.evaluate import maps_and_masks
from sdkd_tf.evaluation.saliency_metrics import mean_absolute_error, saliency_scores
from sdkd_tf.model.network import as_outputs

Pair = tuple[np.ndarray, np.ndarray]  # a map and its mask, `[input_size, input_size]` each


@dataclasses.dataclass(frozen=True)
class Judged:
    """Images as a network saw them: whether each label is right, and a pair for each image that has a map and a mask."""

    hits: list[bool]
    pairs: list[Pair]

    def row(self) -> dict[str, float]:
        """Number of images, accuracy, MAE of the maps as they are, and the scores of the stretched maps, nan without masks.

        The scores are those of `saliency_metrics.saliency_scores`.
        """
        scores = {"images": len(self.hits), "accuracy": float(np.mean(self.hits))}
        names = ("mae", "max_f", "s_measure", "mean_e", "max_e")
        if not self.pairs:
            return {**scores, **dict.fromkeys(names, np.nan)}
        mae = float(np.mean([mean_absolute_error(*pair) for pair in self.pairs]))
        return {**scores, **saliency_scores(self.pairs), "mae": mae}


def judge(network: keras.Model, examples: Iterable[Example], input_size: int) -> Judged:
    """Runs a network on examples."""
    hits: list[bool] = []
    pairs: list[Pair] = []
    for batch in make_dataset(tuple(examples), input_size, 50):
        outputs = as_outputs(network(batch["image"], training=False))
        hits.extend(outputs.logits.numpy().argmax(axis=1) == batch["label"].numpy())
        if outputs.saliency is not None:
            pairs.extend(pair for pair in maps_and_masks(outputs.saliency.numpy()[..., 0], batch) if pair)
    return Judged(hits, pairs)
