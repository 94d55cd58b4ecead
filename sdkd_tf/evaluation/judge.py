"""Scores a network on labeled images: accuracy, and the standard metrics of its saliency maps."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from sdkd_tf.data.pipeline import make_dataset, to_pixels
from sdkd_tf.data.sequence import Example
from sdkd_tf.evaluation.evaluate import maps_and_masks
from sdkd_tf.evaluation.saliency_metrics import mean_absolute_error, saliency_scores

Pair = tuple[np.ndarray, np.ndarray]  # a map and its mask, `[input_size, input_size]` each


@dataclasses.dataclass(frozen=True)
class Judged:
    """A network's results.

    Attributes:
      hits: for each image, whether its label is correct.
      known: for each image, whether the network takes it to show one of the classes, if it can tell.
      pairs: map and mask of each image that has both.
    """

    hits: list[bool]
    known: list[bool]
    pairs: list[Pair]

    def row(self) -> dict[str, float]:
        """The number of images, accuracy, share of known images, and the metrics of the maps, nan without masks.

        The MAE is that of the maps themselves; the other metrics, from `saliency_scores`, are of the stretched maps.
        """
        known = float(np.mean(self.known)) if self.known else np.nan
        scores = {"images": len(self.hits), "accuracy": float(np.mean(self.hits)), "known": known}
        if not self.pairs:
            return {**scores, **dict.fromkeys(("mae", "max_f", "s_measure", "mean_e", "max_e"), np.nan)}
        mae = float(np.mean([mean_absolute_error(*pair) for pair in self.pairs]))
        return {**scores, **saliency_scores(self.pairs), "mae": mae}


def judge(recognize: Callable[[np.ndarray], Sequence[Any]], examples: Iterable[Example], input_size: int) -> Judged:
    """Scores a recognizer, which maps images to a `deploy.recognizer.Answer` each, on the images of examples."""
    judged = Judged([], [], [])
    for batch in make_dataset(tuple(examples), input_size, 50):
        answers = recognize(to_pixels(batch["image"].numpy()))
        judged.hits.extend(a.probabilities.argmax() == label for a, label in zip(answers, batch["label"].numpy()))
        judged.known.extend(answer.known for answer in answers if answer.known is not None)
        if answers[0].saliency is not None:
            maps = np.stack([answer.saliency for answer in answers if answer.saliency is not None])
            judged.pairs.extend(pair for pair in maps_and_masks(maps, batch) if pair)
    return judged
