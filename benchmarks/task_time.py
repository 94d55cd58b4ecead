"""Where the time of learning a task goes, relative to Keras' own `fit` of MobileNetV2 on the same images.

python -m benchmarks.task_time

SDKD learns the second of the bundled benchmark's tasks, repeatedly, in one process. The first round also builds the graphs.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
import tf_keras as keras
from absl import app, flags

from sdkd_tf.config import make_config
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.errors import one_line_errors
from sdkd_tf.evaluation.evaluate import evaluate, held_out, predictions
from sdkd_tf.reporting.tables import markdown
from sdkd_tf.training import build_strategy

_PARTS = {  # name of a part -> method of SDKD
    "teacher translator": "train_teacher_translator",
    "steps": "fit",
    "change of the embeddings and class statistics": "update",
    "all of end_task": "end_task",
}


def define_flags() -> None:
    """Defines the flags; not on import, since two benchmarks may share a flag's name."""
    flags.DEFINE_integer("input_size", 96, "Side of the network's input in pixels.")
    flags.DEFINE_integer("rounds", 3, "Timed rounds after the first one.", lower_bound=1)


class Stopwatch:
    """Seconds by name, in every round."""

    def __init__(self) -> None:
        self.rounds: list[dict[str, float]] = []

    @contextlib.contextmanager
    def measuring(self, name: str) -> Iterator[None]:
        """Adds the duration of the block to the current round."""
        start = time.monotonic()
        yield
        self.rounds[-1][name] = self.rounds[-1].get(name, 0.0) + time.monotonic() - start

    def wrapped(self, name: str, function: Callable) -> Callable:
        """The function, measured."""

        def call(*args, **kwargs):
            with self.measuring(name):
                return function(*args, **kwargs)

        return call


def measure(input_size: int, rounds: int) -> list[dict[str, float]]:
    """Seconds of each part in every round, of which the first one builds the graphs."""
    sequence = load_tasks(DataOptions(tasks=("task1", "task2")))
    config = make_config(input_size=input_size, detach_map=True)
    strategy = build_strategy(config, len(sequence.classes))
    first, second = (
        TaskData(place, task.train, input_size, config.training.batch_size, "hard", task.validation, seed=1)
        for place, task in enumerate(sequence.tasks)
    )
    strategy.end_task(first)
    plain = keras.applications.MobileNetV2((input_size, input_size, 3), weights=None, classes=len(sequence.classes))
    plain.compile("adam", "sparse_categorical_crossentropy")
    tested = predictions(strategy.student, held_out(sequence, input_size))
    watch = Stopwatch()
    for name, method in _PARTS.items():
        setattr(strategy, method, watch.wrapped(name, getattr(strategy, method)))
    for number in range(rounds + 1):
        watch.rounds.append({})
        task = dataclasses.replace(second, seed=number)
        with watch.measuring("MobileNetV2"):
            pairs = task.augmented().map(lambda batch: (batch["image"], batch["label"]))
            plain.fit(pairs, steps_per_epoch=task.steps, verbose=0)
        strategy.begin_task(task)
        strategy.fit(strategy.training_batches(task), steps_per_epoch=task.steps, verbose=0)
        strategy.end_task(task)
        with watch.measuring("evaluation, per 100 images"):
            correct, _ = evaluate(tested)
        watch.rounds[-1]["evaluation, per 100 images"] *= 100 / len(correct)
    return watch.rounds


def table(rounds: list[dict[str, float]]) -> str:
    """A row for each part: its median after the first round, relative to MobileNetV2, and what the first round took more."""
    first, *others = rounds
    medians = {name: float(np.median([seconds[name] for seconds in others])) for name in first}
    rows = [
        [name, f"{median:.2f} s", f"{median / medians['MobileNetV2']:.2f}", f"{first[name] - median:.1f} s"]
        for name, median in medians.items()
    ]
    return markdown(["", "time", "relative to MobileNetV2", "building graphs"], rows)


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    with one_line_errors():
        print("\n" + table(measure(flags.FLAGS.input_size, flags.FLAGS.rounds)))


if __name__ == "__main__":
    define_flags()
    app.run(main)
