"""Evaluates a finished run on its test images, or on those of another data folder with the same classes."""

from collections.abc import Sequence

import numpy as np
from absl import flags
from tqdm import tqdm

from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.judge import Judged, judge
from sdkd_tf.reporting.tables import markdown
from sdkd_tf.run import Run

ARGUMENTS = "RUN_DIR [DATA_DIR] "
_HEAD = ["test images of", "images", "accuracy", "MAE", "max F", "S-measure", "mean E", "max E"]


def define_flags(program: str) -> None:
    """Defines --filelist."""
    flags.DEFINE_string("filelist", None, "Avalanche file list to read DATA_DIR with.", module_name=program)


def main(arguments: Sequence[str]) -> None:
    """Prints a table with one row per task, and one for all images."""
    if not 1 <= len(arguments) <= 2:
        raise UserError(f"{len(arguments)} arguments given; expected a run directory and, optionally, a data folder")
    run = Run(arguments[0])
    classes = run.results.classes
    if len(arguments) == 2:
        sequence = load_tasks(DataOptions(data_dir=arguments[1], filelist=flags.FLAGS.filelist))
    else:
        sequence = run.tasks()
    if list(sequence.classes) != classes:
        differing = ", ".join(sorted({*classes} ^ {*sequence.classes})) or "in another order"
        raise UserError(
            f"data_dir {sequence.root}: classes differ from those of {run.directory} ({differing}); expected the same"
        )
    network, size = run.network(), run.config.network.input_size
    judged = {
        task.name: judge(network, task.test, size) for task in tqdm(sequence.tasks, desc="evaluating", unit="task")
    }
    print(score_table(judged))


def score_table(judged: dict[str, Judged]) -> str:
    """Returns a Markdown table with one row per task, and one for all images together."""
    together = Judged(
        [hit for j in judged.values() for hit in j.hits], [pair for j in judged.values() for pair in j.pairs]
    )
    rows = []
    for name, scores in {**{name: j.row() for name, j in judged.items()}, "all": together.row()}.items():
        images, *others = scores.values()
        rows.append([name, f"{images:.0f}", *("–" if np.isnan(value) else f"{value:.3f}" for value in others)])
    return markdown(_HEAD, rows)
