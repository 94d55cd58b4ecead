"""A run: a directory with options, weights and results. Only this module knows which files it holds."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import tf_keras as keras

from sdkd_tf.config import Config, read_config
from sdkd_tf.data.checks import fingerprint
from sdkd_tf.data.sequence import Problems, TaskSequence, load_tasks
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import Results
from sdkd_tf.files import PathLike, SavedStates, atomic_file, lock, read_json, read_npz, write_json, write_npz
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.weights import load_weights, save_weights
from sdkd_tf.strategies.base import Strategy
from sdkd_tf.strategies.discriminant import ClassStatistics

_FILES = "results.json config.json weights.npz model.keras optimizer.npz kept.npz saliency.npz report.html".split()
_FOLDERS = ("progress", "checkpoints", "logs", "plots", "tflite")


@dataclasses.dataclass
class State:
    """The progress of an unfinished run, and what is needed to resume it.

    Attributes:
      task, epoch: index of the task in training, and the number of its finished epochs.
      results, strategy: the results so far, and `Strategy.state`.
      kept: indices of `Strategy.kept_examples` among all training images. They stay valid if the data are moved.
    """

    task: int
    epoch: int
    results: Results
    strategy: dict[str, Any] = dataclasses.field(default_factory=dict)
    kept: list[int] = dataclasses.field(default_factory=list)


class Run:
    """The directory of a run.

    It holds `config.json` and `flags.flags` (the options), `results.json`, `weights.npz`, `optimizer.npz` (moments),
    `kept.npz` (`Strategy.kept_variables`), `checkpoints/<task>.npz`, `model.keras` (an export), `saliency.npz` (maps of
    some test images after each task), `logs/` for TensorBoard, `plots/`, `report.html`, `tflite/`, and `progress/` until
    it is finished. `results.json` is written last, except for plots and report.
    """

    def __init__(self, directory: PathLike):
        self.directory = pathlib.Path(directory).expanduser()
        self.states = SavedStates(self.directory / "progress")

    # A finished run.

    @property
    def finished(self) -> bool:
        """Whether the run has results."""
        return (self.directory / "results.json").is_file()

    @functools.cached_property
    def config(self) -> Config:
        """The options of the run. Raises UserError if they cannot be read."""
        return read_config(self.directory / "config.json")

    @functools.cached_property
    def results(self) -> Results:
        """The results. Raises UserError if the run is not finished or they cannot be read."""
        path = self.directory / "results.json"
        if not self.finished:
            raise UserError(f"{path}: no such file; expected the directory of a finished run of train.py")
        results = read_json(path, Results, "train.py")
        if problem := results.problem():
            raise UserError(f"{path}: {problem}")
        return results

    def lineage(self) -> list["Run"]:
        """This run and those that it continues, the newest first. Ends where one is missing or was overwritten."""
        runs = [self]
        with contextlib.suppress(UserError):
            while earlier := runs[-1].config.run.continue_from:
                if Run(earlier).weights_digest() != runs[-1].results.continued_from:
                    break
                runs.append(Run(earlier))
        return runs

    def network(self) -> keras.Model:
        """The network after the last task, rebuilt from the options. Raises UserError if the weights do not fit."""
        options, build = ARCHITECTURES[self.config.architecture]
        unset = {"weights": "none"} if hasattr(self.config.network, "weights") else {}
        network = build(len(self.results.classes), dataclasses.replace(self.config.network, **unset))
        load_weights(network, self.directory / "weights.npz")
        return network

    def tasks(self, data_dir: str | None = None) -> TaskSequence:
        """Loads the data that the run was trained on.

        Args:
          data_dir: the current location of the data, if they were moved.

        Raises:
          UserError: the data cannot be read or have changed.
        """
        options = self.config.data
        if data_dir:
            options = dataclasses.replace(options, data_dir=data_dir)
        problems = Problems()
        sequence = load_tasks(options, problems, self.results.classes).without(set(self.results.skipped))
        if problems.general:
            raise UserError(problems.general[0])
        try:
            found = fingerprint(sequence)
        except OSError as error:  # a list names a file that is no longer there
            raise UserError(
                f"{error.filename}: cannot be read ({error.strerror}); expected an image or mask"
            ) from error
        if found != self.results.fingerprint or list(sequence.classes) != self.results.classes:
            raise UserError(
                f"data_dir {options.data_dir}: files, labels or masks are not those {self.directory} was trained on;"
                " expected the same data; if they were moved, give their new location"
            )
        return sequence

    def saliency(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(test images, uint8 `[n, s, s, 3]`; maps after each task, `[tasks, n, h, w, 1]`), or None without maps."""
        path, tasks = self.directory / "saliency.npz", len(self.results.tasks)
        if not path.is_file():
            return None
        try:
            saved = read_npz(path)
        except ValueError as error:
            raise UserError(f"{path}: {error}; expected a file written by train.py") from error
        images, maps = (saved.get(name, np.zeros(0)) for name in ("images", "maps"))
        fits = images.shape[3:] == (3,) and maps.shape[4:] == (1,) and maps.shape[:2] == (tasks, len(images))
        if not (fits and images.dtype == np.uint8 and images.size and maps.size):
            raise UserError(f"{path}: holds {images.shape} and {maps.shape}; expected images and maps of {tasks} tasks")
        return images, maps

    def weights_digest(self) -> str:
        """SHA-256 of the weights. Raises UserError if the run is not finished."""
        path = self.directory / "weights.npz"
        if not path.is_file():
            raise UserError(f"{path}: no such file; expected the directory of a finished run of train.py")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def statistics(self) -> ClassStatistics | None:
        """The class statistics that the FC layer was computed from in closed form; None for another FC layer."""
        kept = self.arrays("kept.npz") if self.config.options.fc == "closed_form" else {}
        names = "counts", "means", "scatter", "reach"
        return ClassStatistics.of(**{name: kept[name] for name in names}) if set(names) <= set(kept) else None

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of optimizer.npz or kept.npz; none without the file. Raises UserError if it is damaged."""
        path = self.directory / name
        try:
            return read_npz(path) if path.is_file() else {}
        except ValueError as error:
            raise UserError(f"{path}: {error}; expected one written by train.py") from error

    # A run that is being trained.

    def resume(self, config: Config, results: Results) -> tuple[State, list[np.ndarray]] | None:
        """Loads the newest state of an unfinished run, with its arrays; None if there is none.

        Args:
          config, results: options and empty results of the run to train.

        Raises:
          UserError: the state was saved with different options, different data or by another version.
        """
        with self.states.fitting("use --overwrite to start over"):
            saved = self.states.load(State)
        if saved:
            self.check_same(config, results, saved[0].results)
        return saved

    def check_same(self, config: Config, results: Results, known: Results) -> None:
        """Raises UserError if the run in the directory was started with different options or data."""
        lines = read_config(self.directory / "config.json").differences(config)  # not kept: the data may have moved
        for name in ("fingerprint", "continued_from"):
            if getattr(known, name) != getattr(results, name):
                lines.append({"fingerprint": "the data differ", "continued_from": "--continue_from differs"}[name])
        if lines:
            raise UserError(
                f"run_dir {self.directory}: holds a run with different options or data ({'; '.join(lines)});"
                " expected the same ones to resume it, or --overwrite to start over"
            )

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Creates the directory and locks it against other processes while the block runs.

        Raises:
          UserError: the directory cannot be created, or another process is writing to it.
        """
        with lock(self.directory / ".lock", wait=False):
            yield

    def start(self, config: Config) -> None:
        """Removes the files of an earlier run and writes the options of the new one. Other files are left alone.

        Raises:
          UserError: `config.run.overwrite` is False, and the directory holds a finished run, or files with the names of
            a run's files but no `flags.flags`, so that they may not belong to a run.
        """
        if not config.run.overwrite and self.finished:  # written by another process since this one started
            raise UserError(
                f"run_dir {self.directory}: holds a finished run; expected another directory or --overwrite"
            )
        if not config.run.overwrite and not (self.directory / "flags.flags").exists():
            for name in (*_FILES, *_FOLDERS):
                path = self.directory / name
                if path.is_file() or path.is_dir() and any(path.iterdir()):
                    expected = "expected a directory without it, or --overwrite to remove it"
                    raise UserError(f"run_dir {self.directory}: holds {name}, which may not be of a run; {expected}")
        for name in _FILES:
            (self.directory / name).unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(self.directory / name, ignore_errors=True)
        (self.directory / "flags.flags").unlink(missing_ok=True)  # last, so that a killed start can be repeated
        (self.directory / "checkpoints").mkdir()
        self.save_options(config)

    def save_options(self, config: Config) -> None:
        """Writes the options. Also called on resuming, because the location of the data may have changed."""
        with atomic_file(self.directory / "flags.flags", "w") as file:
            file.write(config.flagfile())
        write_json(self.directory / "config.json", config)

    def log_directory(self, task: str) -> str:
        """The TensorBoard log directory of a task."""
        return str(self.directory / "logs" / task)

    def save_checkpoint(self, network: keras.Model, task: str) -> None:
        """Writes the weights after a task."""
        save_weights(network, self.directory / "checkpoints" / f"{task}.npz")

    def remove_checkpoint(self, task: str) -> None:
        """Removes the weights after a task."""
        (self.directory / "checkpoints" / f"{task}.npz").unlink(missing_ok=True)

    def finish(
        self, network: keras.Model, strategy: Strategy, results: Results, gallery: Any, maps: np.ndarray | None
    ) -> None:
        """Writes the files of a finished run.

        Args:
          network: the network after the last task.
          strategy: its optimizer's moments and `kept_variables` are saved for `hand_over`.
          results: the complete results.
          gallery, maps: test images and maps as returned by `saliency`; maps is None for a network without saliency.
        """
        save_weights(network, self.directory / "weights.npz")
        partial = self.directory / ".partial-model.keras"
        network.save(partial)
        os.replace(partial, self.directory / "model.keras")
        # For --continue_from: from zero moments, Adam's first steps change every weight by the full learning rate.
        write_npz(self.directory / "optimizer.npz", *[v.numpy() for v in strategy.optimizer.variables])
        if strategy.kept_variables:
            kept = {variable.name.removesuffix(":0"): variable.numpy() for variable in strategy.kept_variables}
            write_npz(self.directory / "kept.npz", **kept)
        if maps is not None:
            with atomic_file(self.directory / "saliency.npz") as file:
                np.savez_compressed(file, images=gallery, maps=maps)
        write_json(self.directory / "results.json", results)
