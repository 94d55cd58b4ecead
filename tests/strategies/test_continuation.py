"""A finished run's network learns the next task with that run's network as its teacher."""

import shutil

import numpy as np
import pytest
from sdkd_tf.distiller import Distiller
from sdkd_tf.model.saved import load_network

from sdkd_tf import lifelong
from sdkd_tf.errors import UserError


@pytest.fixture
def run(write_sequence, tiny_network, tmp_path, monkeypatch):
    """A function (run directory's name, tasks, ...) that trains a tiny network on tasks of four images a class."""
    monkeypatch.setitem(lifelong.ARCHITECTURES, "tiny", tiny_network)
    monkeypatch.setattr(lifelong.report, "plot_run", lambda run_dir: None)
    data = write_sequence(tmp_path / "data")

    def call(name, tasks, data=data, strategy="sdkd", **changed):
        settings = {"epochs": 1, "first_task_epochs": 2, "batch_size": 4, "learning_rate": 0.01, "architecture": "tiny"}
        selection = {"tasks": tasks}
        return lifelong.run(tmp_path / name, data, selection, strategy=strategy, **{**settings, **changed})

    return call


def test_the_earlier_network_is_the_first_teacher(run, tmp_path, monkeypatch):
    run("first", ["task1"])
    earlier = load_network(tmp_path / "first" / "model.keras").get_weights()
    with np.load(tmp_path / "first" / "optimizer.npz") as file:
        moments = [file[name] for name in file.files]
    teachers, promote = [], Distiller.promote

    def promote_and_look(self, batches):
        error = promote(self, batches)
        teachers.append(self.teacher.get_weights())
        for variable, value in zip(self.optimizer.variables, moments, strict=True):
            np.testing.assert_array_equal(variable, value)
        return error

    monkeypatch.setattr(Distiller, "promote", promote_and_look)
    shutil.rmtree(tmp_path / "data" / "train" / "task1")
    shutil.rmtree(tmp_path / "data" / "validation" / "task1")
    shutil.rmtree(tmp_path / "data" / "test" / "task1")
    results = run("next", ["task2"], continue_from=tmp_path / "first", options={"saliency_weight": 1.0})
    assert len(teachers) == 1
    for found, expected in zip(teachers[0], earlier, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(results["history"][0]["loss"]) == 1  # not first_task_epochs
    assert results["preparation"][0]["translator_error"] > 0
    assert results["continued_from"]["run"] == str(tmp_path / "first") and len(results["continued_from"]["model"]) == 64
    assert max(np.abs(value).max() for value in moments[2:]) > 0
    assert any((a != b).any() for a, b in zip(load_network(tmp_path / "next" / "model.keras").get_weights(), earlier))


def test_what_cannot_be_continued_is_one_line(run, write_sequence, tmp_path):
    with pytest.raises(UserError, match="first: holds no model.keras; expected the directory of a finished run"):
        run("next", ["task2"], continue_from=tmp_path / "first")
    run("first", ["task1"])
    with pytest.raises(UserError, match="strategy=replay does not work with --continue_from.*expected one of .*sdkd"):
        run("next", ["task2"], strategy="replay", continue_from=tmp_path / "first")
    with pytest.raises(UserError, match="first: is that of --continue_from; expected another"):
        run("first", ["task2"], continue_from=tmp_path / "first", overwrite=True)
    other = write_sequence(tmp_path / "other", classes=3)
    with pytest.raises(UserError, match=r"other classes than the data has \(thing_02\); expected the same"):
        run("next", ["task2"], data=other, continue_from=tmp_path / "first")
    with pytest.raises(UserError, match="first: its network is another than these flags give"):
        run("next", ["task2"], continue_from=tmp_path / "first", network={"input_size": 64})
    (tmp_path / "first" / "optimizer.npz").write_bytes(b"damaged")
    with pytest.raises(UserError, match="optimizer.npz: cannot be read as .npz"):
        run("next", ["task2"], continue_from=tmp_path / "first")
    assert not (tmp_path / "next").exists()


def test_a_map_that_neither_masks_nor_a_teacher_hold_is_refused(run, tmp_path):
    run("first", ["task1"])
    shutil.rmtree(tmp_path / "data" / "masks")
    for strategy in ("finetune", "lwf"):
        with pytest.raises(UserError, match="task2, has a mask or a box; .* without any: --saliency_weight=0"):
            run(
                strategy,
                ["task2"],
                strategy=strategy,
                continue_from=tmp_path / "first",
                options={"saliency_weight": 1.0},
            )
    run("next", ["task2"], continue_from=tmp_path / "first", options={"saliency_weight": 1.0})


def test_moments_of_another_optimizer_are_left(run, tmp_path, capsys):
    run("first", ["task1"], strategy="finetune", optimizer="sgd")
    run("next", ["task2"], continue_from=tmp_path / "first")
    assert "first: its optimizer's moments do not fit these flags; they start anew" in capsys.readouterr().out
