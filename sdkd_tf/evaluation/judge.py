"""Scores a network on labeled images: accuracy, and the standard metrics of its saliency maps."""

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
    """A network's results: whether each label is correct, and a pair for each image with a map and a mask."""

    hits: list[bool]
    pairs: list[Pair]

    def row(self) -> dict[str, float]:
        """The number of images, accuracy, and the metrics of the maps, nan without masks.

        The MAE is that of the maps themselves; the other metrics, from `saliency_scores`, are of the stretched maps.
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
