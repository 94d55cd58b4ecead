"""Compares a .tflite file with the float network, and measures its latency."""

import pathlib
import platform
import time
from collections.abc import Sequence

import numpy as np
import tf_keras as keras
from tqdm import tqdm

from sdkd_tf.data.pipeline import make_dataset, to_pixels
from sdkd_tf.data.sequence import TaskSequence
from sdkd_tf.deploy.report import Conversion, Latency, SplitReport
from sdkd_tf.deploy.tflite import Classifier, float_operators, open_interpreter
from sdkd_tf.errors import UserError, one_line
from sdkd_tf.evaluation.evaluate import saliency_errors
from sdkd_tf.evaluation.results import SPLITS
from sdkd_tf.files import PathLike
from sdkd_tf.model.network import Outputs

_KINDS = ("float", "tflite")
_WARM_UP = 10  # calls before the timed ones


def measure(path: pathlib.Path, network: keras.Model, sequence: TaskSequence) -> Conversion:
    """Compares a .tflite file with the float network on all validation and test images.

    Args:
      path: the .tflite file.
      network: the float network.
      sequence: the tasks.

    Returns:
      A Conversion.
    """
    classifier = Classifier(path)
    with tqdm(total=2 * len(sequence.tasks), desc="measuring the .tflite", unit="task") as progress:
        validation, test = (_compare(classifier, network, sequence, split, progress) for split in SPLITS)
    median = float(np.median(latencies([path], threads=1, runs=50)))
    latency = Latency(median, 1, platform.machine())
    return Conversion(path.name, path.stat().st_size, float_operators(path), latency, validation, test)


def _compare(
    classifier: Classifier, network: keras.Model, sequence: TaskSequence, split: str, progress: tqdm
) -> SplitReport:
    accuracy: dict[str, dict[str, float]] = {}
    agree: list[bool] = []
    differences: list[float] = []
    errors: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for task in sequence.tasks:
        hits: dict[str, list[bool]] = {kind: [] for kind in _KINDS}
        for batch in make_dataset(getattr(task, split), classifier.input_size, 50):
            expected = Outputs(*network.predict_on_batch(batch["image"]))
            found = [classifier(image) for image in to_pixels(batch["image"].numpy())]
            labels, maps = batch["label"].numpy(), np.stack([f.saliency for f in found])
            top1, top1_float = np.array([f.probabilities.argmax() for f in found]), expected.logits.argmax(axis=1)
            hits["float"].extend(top1_float == labels)
            hits["tflite"].extend(top1 == labels)
            agree.extend(top1 == top1_float)
            differences.extend(np.abs(maps - expected.saliency[..., 0]).mean(axis=(1, 2)))
            errors["float"] += saliency_errors(expected.saliency[..., 0], batch)
            errors["tflite"] += saliency_errors(maps, batch)
        accuracy[task.name] = {kind: float(np.mean(values)) for kind, values in hits.items()}
        progress.update()
    known = not np.isnan(errors["float"]).all()
    maes = {kind: float(np.nanmean(values)) if known else None for kind, values in errors.items()}
    return SplitReport(accuracy, float(np.mean(agree)), float(np.mean(differences)), maes)


def latencies(paths: Sequence[PathLike], threads: int, runs: int) -> np.ndarray:
    """Times calls on noise. The files take turns, so that a slowdown of the machine affects all of them.

    Args:
      paths: .tflite files.
      threads: number of CPU threads.
      runs: number of timed calls of each file.

    Returns:
      Milliseconds, `[files, runs]`.

    Raises:
      UserError: see `tflite.read`; or LiteRT fails on this input.
    """
    interpreters = [open_interpreter(path, threads) for path in paths]
    rng = np.random.default_rng(0)
    for interpreter in interpreters:
        for detail in interpreter.get_input_details():
            highest = 1 if detail["dtype"] == np.float32 else 256
            noise = rng.uniform(0, highest, detail["shape"]).astype(detail["dtype"])
            interpreter.set_tensor(detail["index"], noise)
    seconds = np.zeros((len(paths), _WARM_UP + runs))
    for run in tqdm(range(_WARM_UP + runs), desc=f"{threads} thread(s)", unit="round"):
        for file, interpreter in enumerate(interpreters):
            start = time.perf_counter()
            try:
                interpreter.invoke()
            except (ValueError, RuntimeError) as error:
                raise UserError(f"model {paths[file]}: LiteRT cannot run it ({one_line(error)})") from error
            seconds[file, run] = time.perf_counter() - start
    return 1000 * seconds[:, _WARM_UP:]
