"""Scores a run or a converted file on labeled images.

Without DATA_DIR, these are the test images of the run. In a plain folder, <class>/*.jpg or <task>/<class>/*.jpg, that
the run was not trained on, all images are used. Otherwise, and in a folder with train, validation and test sets, only
the test images are.
"""

import contextlib
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import flags
from tqdm import tqdm

from sdkd_tf.data.checks import examine_all
from sdkd_tf.data.layouts import read_layout
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Example, Problems, Task, TaskSequence, load_tasks
from sdkd_tf.deploy.recognizer import Recognizer
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.judge import Judged, judge
from sdkd_tf.evaluation.metrics import wilson_interval
from sdkd_tf.reporting.tables import markdown
from sdkd_tf.run import Run

ARGUMENTS = "RUN_DIR_OR_TFLITE [DATA_DIR] "
_HEAD = ["images of", "images", "accuracy", "95 % interval", "known", "MAE", "max F", "S-measure", "mean E", "max E"]


def define_flags(program: str) -> None:
    """Defines --filelist."""
    flags.DEFINE_string("filelist", None, "Avalanche file list to read DATA_DIR with.", module_name=program)


def main(arguments: Sequence[str]) -> None:
    """Prints a table with one row per task, and one for all images."""
    if not 1 <= len(arguments) <= 2:
        raise UserError(f"{len(arguments)} arguments given; expected a run or .tflite file, optionally a data folder")
    model, *folder = arguments
    run = Run(model) if pathlib.Path(model).is_dir() else None
    if run is None and not folder:
        raise UserError(f"{model}: a file does not say what it was trained on; expected a data folder as well")
    recognize = Recognizer(model)
    sequence = _sequence(folder[0], recognize.labels) if folder else Run(model).tasks()
    whole = bool(folder) and sequence.layout == "folders" and not (run and _trained_on(run, sequence.root.resolve()))
    examples = {task.name: _all(task, sequence) if whole else task.test for task in sequence.tasks if task.examples}
    problems = Problems()
    if folder:  # those of a run were checked before it was trained
        examine_all([example for chosen in examples.values() for example in chosen], problems, "checking images")
    if problems.images:
        raise UserError(problems.image_lines[0])
    if not any(examples.values()):
        raise UserError(
            f"data_dir {folder[0]}: holds no labeled images; expected <class>/*.jpg or <task>/<class>/*.jpg"
        )
    if whole and run is None:
        print(
            "all images are used; if the network was trained on some of them, it is less accurate than this table says"
        )
    judged = {
        name: judge(recognize, chosen, recognize.input_size)
        for name, chosen in tqdm(examples.items(), desc="evaluating", unit="task")
    }
    print(score_table(judged))


def _sequence(data_dir: str, labels: Sequence[str]) -> TaskSequence:
    options = DataOptions(data_dir=data_dir, filelist=flags.FLAGS.filelist)
    problems = Problems()
    sequence = load_tasks(options, problems, known=labels)
    if problems.general and sequence.layout != "folders":  # its problems concern the split, which is not used here
        raise UserError(problems.general[0])
    new = sequence.classes[len(labels) :]
    if new:
        raise UserError(
            f"data_dir {data_dir}: has classes that the network does not know ({', '.join(new)}); expected some of"
            f" {', '.join(labels)}"
        )
    return sequence


def _trained_on(run: Run, folder: pathlib.Path) -> bool:
    """Whether a run, or one that it continues, was trained on images of a folder, even if they were moved there."""
    for known in run.lineage():
        with contextlib.suppress(UserError):  # a run that is missing, or data that are not those of the run
            place = pathlib.Path(known.config.data.data_dir)
            if folder.is_relative_to(place) or place.is_relative_to(folder) or known.tasks(str(folder)):
                return True
    return False


def _all(task: Task, sequence: TaskSequence) -> tuple[Example, ...]:
    """All images of a task in a plain folder, also those that a split would leave out."""
    folders = {example.image.parent: example.label for example in task.examples}
    unused = [path for path in read_layout(sequence.root).unused if path.parent in folders]
    return (*task.examples, *(Example(path, folders[path.parent], None, None) for path in unused))


def score_table(judged: dict[str, Judged]) -> str:
    """Returns a Markdown table with one row per task, and one for all images together."""
    together = Judged(*([x for j in judged.values() for x in getattr(j, part)] for part in ("hits", "known", "pairs")))
    rows = []
    for name, scores in {**{name: j.row() for name, j in judged.items()}, "all": together.row()}.items():
        images, accuracy, *others = scores.values()
        low, high = wilson_interval(accuracy, int(images))
        cells = ("–" if np.isnan(value) else f"{value:.3f}" for value in others)
        rows.append([name, f"{images:.0f}", f"{accuracy:.3f}", f"{low:.3f} to {high:.3f}", *cells])
    return markdown(_HEAD, rows)
