"""What conversion.json holds: a Conversion by name of the quantization."""

import dataclasses

import numpy as np

from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json


@dataclasses.dataclass
class SplitReport:
    """A .tflite file against the float network on one split.

    Attributes:
      accuracy: task -> {`float`, `tflite`}, in [0, 1].
      top1_agreement: share of the images on which both give the same label.
      saliency_difference: mean absolute difference of the two maps.
      saliency_mae: {`float`, `tflite`} against the masks; None where there are none.
      resized: mean accuracy of the file when the caller scales images by `nearest` or `bilinear`; of the test split alone.
    """

    accuracy: dict[str, dict[str, float]]
    top1_agreement: float
    saliency_difference: float
    saliency_mae: dict[str, float | None] = dataclasses.field(default_factory=dict)
    resized: dict[str, float] = dataclasses.field(default_factory=dict)

    def mean(self, kind: str) -> float:
        """Mean accuracy over the tasks of `float` or `tflite`."""
        return float(np.mean([task[kind] for task in self.accuracy.values()]))


@dataclasses.dataclass
class Latency:
    """Median time of one image in milliseconds, on so many threads of a machine."""

    median_ms: float
    threads: int
    machine: str


@dataclasses.dataclass
class Conversion:
    """A converted file: its size, what is left in float, latency, and how well it does.

    `steps` and `range_distance` tell about quantization-aware training, see `quantization.RangeDistance`.
    """

    file: str
    bytes: int
    float_ops: list[str]
    latency: Latency
    validation: SplitReport
    test: SplitReport
    steps: int = 0
    range_distance: float | None = None


def load_conversions(path: PathLike) -> dict[str, Conversion]:
    """Reads a conversion.json. Raises UserError if it is not one of convert.py's."""
    conversions = read_json(path, dict[str, Conversion], "convert.py")
    for name, conversion in conversions.items():
        for split in (conversion.validation, conversion.test):
            if not split.accuracy or any({*task} != {"float", "tflite"} for task in split.accuracy.values()):
                raise UserError(
                    f"{path}: {name!r} lacks accuracies; expected those of `float` and `tflite` for each task"
                )
    return conversions
