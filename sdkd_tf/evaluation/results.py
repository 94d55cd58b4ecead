"""The results of a run: one record per task, from which matrices and tables are derived."""

import dataclasses
import time
from typing import Literal

import numpy as np

from sdkd_tf.evaluation import metrics
from sdkd_tf.evaluation.provenance import Provenance

Split = Literal["validation", "test"]
SPLITS: tuple[Split, ...] = ("validation", "test")


@dataclasses.dataclass
class Scores:
    """Scores of a network on one split of every task, in the order of the tasks.

    Attributes:
      accuracy: in [0, 1].
      saliency_mae: mean absolute error of the refined map, in [0, 1]; None without masks or maps.
    """

    accuracy: list[float]
    saliency_mae: list[float | None]


@dataclasses.dataclass
class EarlierTask:
    """A task of a run that this one continues, tested again.

    Attributes:
      name: name of the task.
      before, after: accuracy on each split, in [0, 1], at the end of that run and at the end of this one.
    """

    name: str
    before: dict[Split, float]
    after: dict[Split, float]


@dataclasses.dataclass
class TaskResult:
    """The results of training on one task.

    Attributes:
      name: name of the task.
      images: number of training images.
      kept_images, stored_bytes: number of images and bytes that the strategy has kept from earlier tasks.
      preparation: numbers from the strategy's `begin_task`.
      losses: for each term of the loss, and for the training accuracy, its mean in every epoch.
      seconds, cpu_seconds: duration of training, and CPU time over all cores.
      peak_memory_mb: peak memory of the process so far.
      validation, test: Scores on all tasks after this one.
    """

    name: str
    images: int = 0
    kept_images: int = 0
    stored_bytes: int = 0
    preparation: dict[str, float] = dataclasses.field(default_factory=dict)
    losses: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    validation: Scores = dataclasses.field(default_factory=lambda: Scores([], []))
    test: Scores = dataclasses.field(default_factory=lambda: Scores([], []))


@dataclasses.dataclass
class Results:
    """The results of a run.

    Attributes:
      classes: names of the classes, in the order of the labels.
      fingerprint: fingerprint of the data, see `checks.fingerprint`.
      skipped: path of each skipped image, relative to the data folder -> the reasons.
      parameters: number of weights of the network.
      continued_from: SHA-256 of the initial weights, if they are those of an earlier run.
      tasks: a TaskResult for each task learned so far.
      provenance: set when the run has finished.
      earlier: the tasks of the runs that this one continues, as far as their images are still there.
      untested: names of those of these runs that were not tested again, as they or their images changed or are missing.
      test_counts: number of test images of each task; empty if unknown.
      test_images: number of distinct test images over all tasks; 0 if unknown.
    """

    classes: list[str]
    fingerprint: str
    skipped: dict[str, list[str]]
    parameters: int
    continued_from: str | None = None
    tasks: list[TaskResult] = dataclasses.field(default_factory=list)
    provenance: Provenance | None = None
    earlier: list[EarlierTask] = dataclasses.field(default_factory=list)
    untested: list[str] = dataclasses.field(default_factory=list)
    test_counts: list[int] = dataclasses.field(default_factory=list)
    test_images: int = 0

    @property
    def effective_test_images(self) -> int:
        """How many images of a single task would give an accuracy as uncertain as the mean over these tasks.

        It is T^2 / sum of 1 / n_j for T tasks with n_j images: all images if the tasks have equally many.
        """
        if min(self.test_counts, default=0) < 1:
            return self.test_images
        return min(self.test_images, round(len(self.test_counts) ** 2 / sum(1 / n for n in self.test_counts)))

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks, in the order in which they were learned."""
        return [task.name for task in self.tasks]

    def accuracy(self, split: Split) -> np.ndarray:
        """The accuracy matrix `[tasks, tasks]`: row i after training on task i, column j on task j."""
        return np.array([getattr(task, split).accuracy for task in self.tasks], np.float64)

    def saliency_mae(self, split: Split) -> np.ndarray:
        """The matrix of saliency errors, indexed like `accuracy`; nan without masks or maps."""
        return np.array([getattr(task, split).saliency_mae for task in self.tasks], np.float64)  # None becomes nan

    def final_accuracy(self, split: Split) -> float:
        """Mean accuracy over all tasks after the last one."""
        return metrics.final_mean_accuracy(self.accuracy(split))

    def forgetting(self, split: Split) -> float:
        """The mean accuracy lost on earlier tasks; nan if none was tested.

        On a task of this run, the difference to the best accuracy after any earlier task counts (`metrics.forgetting`);
        on one of a run that this one continues, the difference to the end of that run.
        """
        lost = [task.before[split] - task.after[split] for task in self.earlier]
        if len(self.tasks) > 1:
            lost += [metrics.forgetting(self.accuracy(split))] * (len(self.tasks) - 1)
        return float(np.mean(lost)) if lost else float("nan")

    def problem(self) -> str | None:
        """Returns an inconsistency in results of unknown origin, or None."""
        count = len(self.tasks)
        if not count:
            return "tasks is empty; expected one record per task"
        for task in self.tasks:
            for split in SPLITS:
                scores = getattr(task, split)
                if not len(scores.accuracy) == len(scores.saliency_mae) == count:
                    return f"task {task.name!r}, {split}: expected {count} scores, one per task"
        return None


class Clock:
    """Measures wall-clock and CPU seconds (of all cores) and adds them to a TaskResult."""

    def __init__(self, result: TaskResult):
        self._result = result
        self.start()

    def start(self) -> None:
        self._since = time.monotonic(), time.process_time()

    def stop(self) -> None:
        self._result.seconds += time.monotonic() - self._since[0]
        self._result.cpu_seconds += time.process_time() - self._since[1]
