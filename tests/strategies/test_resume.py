"""A run that is killed and started again ends as one that is not, with every strategy."""

import errno
import itertools
import json
import os

import numpy as np
import pytest
import tf_keras as keras
from sdkd_tf.progress import Progress

from sdkd_tf import atomic, lifelong
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.strategies import STRATEGIES

OPTIONS = {
    "replay": {"memory_images": 6},
    "sdkd_replay": {"memory_images": 6},
    "gem": {"memory_images_per_task": 3},
    "agem": {"memory_images_per_task": 3},
    "generative_replay": {"generated_images": 8, "generator_epochs": 2},
    "ewc": {"fisher_images": 3},
    "online_ewc": {"fisher_images": 3},
}
EPOCHS, TASKS = 2, 2


class Killed(BaseException):
    """Not an Exception, so that nothing on the way catches it."""


@pytest.fixture(scope="module")
def run(write_sequence, tiny_network, tmp_path_factory):
    """A function (run_dir, strategy, ...) that trains on two tasks of four images a class."""
    data = write_sequence(tmp_path_factory.mktemp("data"), tasks=TASKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lifelong.ARCHITECTURES, "tiny", tiny_network)
        patch.setattr(lifelong.report, "plot_run", lambda run_dir: None)

        def call(run_dir, strategy, **changed):
            settings = {"epochs": EPOCHS, "batch_size": 4, "learning_rate": 0.01, "deterministic": True}
            options = {"saliency_weight": 1.0, **OPTIONS.get(strategy, {})}
            lifelong.run(
                run_dir, data, strategy=strategy, options=options, architecture="tiny", **{**settings, **changed}
            )

        yield call


def killed(run, run_dir, strategy, save):
    """Runs until the state with this number is saved."""
    count, original = itertools.count(), Progress.save

    def save_and_die(self, state, arrays):
        original(self, state, arrays)
        if next(count) == save:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Progress, "save", save_and_die)
        run(run_dir, strategy)


def outcome(run_dir):
    results = json.loads((run_dir / "results.json").read_text())
    weights = keras.models.load_model(run_dir / "model.keras", compile=False).get_weights()
    timeless = {
        k: v for k, v in results.items() if k not in ("seconds_per_task", "cpu_seconds_per_task", "peak_memory_mb")
    }
    return timeless, [w.tobytes() for w in weights]


QUICK = "sdkd_replay", "agem", "generative_replay"  # between them they keep everything that a strategy may keep


@pytest.mark.parametrize(
    "strategy", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.long) for name in STRATEGIES]
)
def test_a_run_killed_within_the_second_task_ends_like_one_that_was_not(run, tmp_path, strategy):
    run(tmp_path / "whole", strategy)
    killed(run, tmp_path / "killed", strategy, EPOCHS + 1)
    assert not (tmp_path / "killed" / "results.json").exists()
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
    assert outcome(tmp_path / "a")[1] != outcome(tmp_path / "b")[1]


def test_an_unfinished_run_of_other_flags_is_left_alone(run, tmp_path):
    killed(run, tmp_path / "killed", "finetune", 1)
    before = {path: path.read_bytes() for path in (tmp_path / "killed" / "progress").iterdir()}
    with pytest.raises(
        UserError, match=r"holds an unfinished run of other flags or data \(learning_rate 0.01, not 0.5"
    ):
        run(tmp_path / "killed", "finetune", learning_rate=0.5)
    assert {path: path.read_bytes() for path in (tmp_path / "killed" / "progress").iterdir()} == before
    run(tmp_path / "killed", "finetune", learning_rate=0.5, overwrite=True)
    assert np.shape(json.loads((tmp_path / "killed" / "results.json").read_text())["accuracy_matrix"]["test"]) == (
        TASKS,
        TASKS,
    )


@pytest.mark.parametrize("change", ["one variable less", "another shape", "no results"])
def test_an_unfinished_run_of_another_version_is_left_alone(run, tmp_path, change):
    killed(run, tmp_path / "killed", "finetune", 1)
    progress = Progress(tmp_path / "killed" / "progress")
    state, arrays = progress.load()
    if change == "no results":
        del state["results"]
    else:
        arrays[-1:] = [np.zeros((3, 1, 4), np.float32)] if change == "another shape" else []
    progress.save(state, arrays)
    before = {path: path.read_bytes() for path in (tmp_path / "killed" / "progress").iterdir()}
    with pytest.raises(UserError, match="progress: holds a state that does not fit .*--overwrite") as told:
        run(tmp_path / "killed", "finetune")
    assert "\n" not in str(told.value)
    assert {path: path.read_bytes() for path in (tmp_path / "killed" / "progress").iterdir()} == before


def test_a_run_killed_while_it_was_drawn_is_drawn_again(run, tmp_path):
    def die(run_dir):
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(lifelong.report, "plot_run", die)
        run(tmp_path / "run", "finetune")
    before, drawn = (tmp_path / "run" / "results.json").read_bytes(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifelong.report, "plot_run", drawn.append)
        run(tmp_path / "run", "finetune")
        with pytest.raises(UserError, match="already holds a finished run"):
            run(tmp_path / "run", "finetune")
    assert drawn == [tmp_path / "run"] and (tmp_path / "run" / "results.json").read_bytes() == before


def test_a_full_disk_is_told_in_one_line_and_loses_no_finished_epoch(run, tmp_path):
    def full_after(syncs):
        left = itertools.count(syncs, -1)

        def fsync(descriptor):
            if next(left) <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return fsync

    run(tmp_path / "whole", "finetune")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match="^error: the disk is full; make room"):
        patch.setattr(atomic.os, "fsync", full_after(6))  # the flags and two states, each with its directory
        with one_line_errors():
            run(tmp_path / "full", "finetune")
    assert [path.name for path in sorted((tmp_path / "full" / "progress").iterdir())] == ["000000.npz", "000001.npz"]
    run(tmp_path / "full", "finetune")
    assert outcome(tmp_path / "full") == outcome(tmp_path / "whole")


def test_a_loss_that_is_not_finite_stops_the_run_at_that_step(run, tmp_path):
    with pytest.raises(
        UserError, match=r"task task1, epoch \d, step \d: (classification|saliency) is (nan|inf); lower --lear"
    ):
        run(tmp_path / "run", "finetune", learning_rate=1e38)
    assert not (tmp_path / "run" / "results.json").exists()
