"""The content of conversion.json: name of the quantization -> Conversion."""

import dataclasses

import numpy as np

from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json


@dataclasses.dataclass
class SplitReport:
    """Comparison of a .tflite file with the float network on one split.

    Attributes:
      accuracy: task -> {`float`, `tflite`}, in [0, 1].
      top1_agreement: fraction of the images for which both predict the same label.
      saliency_difference: mean absolute difference of the two maps.
      saliency_mae: {`float`, `tflite`}, mean absolute error against the masks; None without masks.
    """

    accuracy: dict[str, dict[str, float]]
    top1_agreement: float
    saliency_difference: float
    saliency_mae: dict[str, float | None] = dataclasses.field(default_factory=dict)

    def mean(self, kind: str) -> float:
        """Mean accuracy of `float` or `tflite` over all tasks."""
        return float(np.mean([task[kind] for task in self.accuracy.values()]))


@dataclasses.dataclass
class Latency:
    """Median time per image in milliseconds, with a number of threads on a machine."""

    median_ms: float
    threads: int
    machine: str


@dataclasses.dataclass
class Conversion:
    """A converted file: its size in bytes, operators left in float, latency and accuracy.

    `steps` is the number of steps of quantization-aware training, `weights` the SHA-256 of the converted weights.
    """

    file: str
    bytes: int
    float_ops: list[str]
    latency: Latency
    validation: SplitReport
    test: SplitReport
    steps: int = 0
    weights: str = ""


def load_conversions(path: PathLike) -> dict[str, Conversion]:
    """Reads a conversion.json. Raises UserError if it was not written by convert.py."""
    conversions = read_json(path, dict[str, Conversion], "convert.py")
    for name, conversion in conversions.items():
        for split in (conversion.validation, conversion.test):
            if not split.accuracy or any({*task} != {"float", "tflite"} for task in split.accuracy.values()):
                raise UserError(f"{path}: {name!r} lacks accuracies; expected `float` and `tflite` for each task")
    return conversions
