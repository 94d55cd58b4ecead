"""A run that is killed and started again ends as one that is not, with every strategy."""

import dataclasses
import errno
import itertools
import os
import shutil

import numpy as np
import pytest

from sdkd_tf import files, training
from sdkd_tf.config import make_config
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.files import SavedStates
from sdkd_tf.run import Run, State
from sdkd_tf.strategies import STRATEGIES

pytestmark = pytest.mark.usefixtures("tiny_architecture")

OPTIONS = {
    "replay": {"memory_images": 6},
    "sdkd_replay": {"memory_images": 6},
    "gem": {"memory_images_per_task": 3},
    "agem": {"memory_images_per_task": 3},
    "ewc": {"fisher_images": 3},
    "online_ewc": {"fisher_images": 3},
}
EPOCHS, TASKS = 2, 2


class Killed(BaseException):
    """Not an Exception, so that nothing on the way catches it."""


@pytest.fixture(scope="module")
def run(write_sequence, tmp_path_factory):
    """A function (run_dir, strategy, ...) that trains on two tasks of four images a class."""
    data = write_sequence(tmp_path_factory.mktemp("data"), tasks=TASKS)
    settings = {"epochs": EPOCHS, "first_task_epochs": EPOCHS, "batch_size": 4, "min_steps": 1, "learning_rate": 0.01}
    settings.update(data_dir=str(data), deterministic=True)

    def call(run_dir, strategy, **changed):
        given = {**settings, **OPTIONS.get(strategy, {}), **changed}
        training.train(make_config("tiny", strategy, run_dir=str(run_dir), **given))

    return call


def killed(run, run_dir, strategy, save, **changed):
    """Runs until the state with this number is saved."""
    count, original = itertools.count(), SavedStates.save

    def save_and_die(self, state, arrays):
        original(self, state, arrays)
        if next(count) == save:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(SavedStates, "save", save_and_die)
        run(run_dir, strategy, **changed)


def outcome(run_dir):
    """(results without what may differ between two runs, maps, weights)."""
    run = Run(run_dir)
    timeless = {"seconds": 0.0, "cpu_seconds": 0.0, "peak_memory_mb": 0.0}
    tasks = [dataclasses.replace(task, **timeless) for task in run.results.tasks]
    weights = [w.tobytes() for w in run.network().get_weights()]
    results = dataclasses.replace(run.results, tasks=tasks, provenance=None)  # the commit may change while tests run
    return results, run.saliency()[1].tobytes(), weights


def content(folder):
    return {path: path.read_bytes() for path in folder.iterdir()}


QUICK = "sdkd_replay", "agem"  # between them they keep everything that a strategy may keep


@pytest.mark.parametrize(
    "strategy", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in STRATEGIES]
)
def test_a_run_killed_within_the_second_task_ends_like_one_that_was_not(run, tmp_path, strategy):
    run(tmp_path / "whole", strategy)
    killed(run, tmp_path / "killed", strategy, EPOCHS + 1)
    assert not Run(tmp_path / "killed").finished
    run(tmp_path / "killed", strategy)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")
    assert not (tmp_path / "killed" / "progress").exists()


@pytest.mark.long
def test_one_run_may_be_killed_again_and_again(run, tmp_path):
    run(tmp_path / "whole", "sdkd")
    for _ in range(TASKS * (EPOCHS + 1)):  # a state is saved after each epoch and between two tasks
        killed(run, tmp_path / "killed", "sdkd", 0)
    run(tmp_path / "killed", "sdkd")
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


def test_another_seed_gives_other_weights(run, tmp_path):
    run(tmp_path / "a", "finetune")
    run(tmp_path / "b", "finetune", seed=1)
    assert outcome(tmp_path / "a")[2] != outcome(tmp_path / "b")[2]


def test_an_unfinished_run_of_other_options_is_left_alone(run, tmp_path):
    killed(run, tmp_path / "killed", "finetune", 1)
    before = content(tmp_path / "killed" / "progress")
    with pytest.raises(
        UserError, match=r"holds a run with different options or data \(--learning_rate is 0.01, not 0.5\)"
    ):
        run(tmp_path / "killed", "finetune", learning_rate=0.5)
    assert content(tmp_path / "killed" / "progress") == before
    run(tmp_path / "killed", "finetune", learning_rate=0.5, overwrite=True)
    assert Run(tmp_path / "killed").results.accuracy("test").shape == (TASKS, TASKS)
    assert Run(tmp_path / "killed").config.training.learning_rate == 0.5


def test_an_unfinished_run_of_other_data_is_left_alone(run, write_sequence, tmp_path):
    killed(run, tmp_path / "killed", "finetune", 1)
    before = content(tmp_path / "killed" / "progress")
    other = str(write_sequence(tmp_path / "other", tasks=TASKS, train=3))
    with pytest.raises(UserError, match=r"holds a run with different options or data \(the data differ\)"):
        run(tmp_path / "killed", "finetune", data_dir=other)
    assert content(tmp_path / "killed" / "progress") == before


@pytest.mark.parametrize("change", ["one variable less", "another shape", "no results"])
def test_an_unfinished_run_of_another_version_is_left_alone(run, tmp_path, change):
    killed(run, tmp_path / "killed", "finetune", 1)
    states = SavedStates(tmp_path / "killed" / "progress")
    state, arrays = states.load(State)
    if change == "no results":
        state = {"task": state.task, "epoch": state.epoch}
    else:
        arrays[-1:] = [np.zeros((3, 1, 4), np.float32)] if change == "another shape" else []
    states.save(state, arrays)
    before = content(tmp_path / "killed" / "progress")
    with pytest.raises(UserError, match="progress: holds a state that does not fit .*--overwrite") as error:
        run(tmp_path / "killed", "finetune")
    assert "\n" not in str(error.value)
    assert content(tmp_path / "killed" / "progress") == before


def test_a_run_killed_while_it_was_drawn_is_drawn_again(run, tmp_path):
    def die(run):
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training, "write_report", die)
        run(tmp_path / "run", "finetune")
    before, drawn = (tmp_path / "run" / "results.json").read_bytes(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "write_report", lambda run: drawn.append(run.directory))
        run(tmp_path / "run", "finetune")
        with pytest.raises(UserError, match="holds a finished run"):
            run(tmp_path / "run", "finetune")
    assert drawn == [tmp_path / "run"] and (tmp_path / "run" / "results.json").read_bytes() == before


def test_a_full_disk_is_reported_in_one_line_and_loses_no_finished_epoch(run, tmp_path):
    def full_after(syncs):
        left = itertools.count(syncs, -1)

        def fsync(descriptor):
            if next(left) <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return fsync

    run(tmp_path / "whole", "finetune")
    line = "^error: the disk is full; free some space and run the same command again to resume$"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match=line):
        patch.setattr(files.os, "fsync", full_after(8))  # two files of options and two states, each with its directory
        with one_line_errors(resumable=True):
            run(tmp_path / "full", "finetune")
    assert [path.name for path in sorted((tmp_path / "full" / "progress").iterdir())] == ["000000.npz", "000001.npz"]
    run(tmp_path / "full", "finetune")
    assert outcome(tmp_path / "full") == outcome(tmp_path / "whole")


def test_a_loss_that_is_not_finite_stops_the_run_at_that_step(run, tmp_path):
    line = r"task task1, epoch \d, step \d: (classification|saliency) is (nan|inf); lower --learning_rate, or check"
    with pytest.raises(UserError, match=line):
        run(tmp_path / "run", "finetune", learning_rate=1e38)
    assert not Run(tmp_path / "run").finished


def test_weights_that_are_not_finite_after_an_epoch_stop_the_run(run, tmp_path):
    """The loss of a last step is that before its update, which here is the first."""
    with pytest.raises(UserError, match=r"^task task1, epoch 1: \S+ is not finite; lower --learning_rate, or check"):
        run(tmp_path / "run", "finetune", learning_rate=float("inf"), batch_size=8)
    assert not list((tmp_path / "run").glob("progress/*"))


@pytest.mark.parametrize("strategy", ["sdkd_replay", "gem"])
def test_an_unfinished_run_and_its_data_may_be_moved(run, write_sequence, tmp_path, strategy):
    data = write_sequence(tmp_path / "data", tasks=TASKS)
    run(tmp_path / "whole", strategy, data_dir=str(data))
    killed(run, tmp_path / "killed", strategy, EPOCHS, data_dir=str(data))  # the second task comes next
    moved_data = shutil.move(data, tmp_path / "moved_data")
    moved_run = shutil.move(tmp_path / "killed", tmp_path / "moved_run")
    run(moved_run, strategy, data_dir=str(moved_data))
    assert outcome(moved_run) == outcome(tmp_path / "whole")
    assert Run(moved_run).tasks().root == moved_data
