"""A finished run's network learns the next task with that run's network as its teacher."""

import shutil

import numpy as np
import pytest

from sdkd_tf.config import make_config
from sdkd_tf.deploy.head import Head
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import EarlierTask
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.vgg16 import VGG16Options
from sdkd_tf.run import Run
from sdkd_tf.strategies import SDKD
from sdkd_tf.training import train

pytestmark = pytest.mark.usefixtures("tiny_architecture")


@pytest.fixture
def run(write_sequence, tmp_path):
    """A function (run directory's name, tasks, ...) that trains a tiny network on tasks of four images a class."""
    data = write_sequence(tmp_path / "data")
    settings = {
        "epochs": 1,
        "first_task_epochs": 2,
        "batch_size": 4,
        "min_steps": 1,
        "learning_rate": 0.01,
        "architecture": "tiny",
    }

    def call(name, *tasks, **changed):
        changed = {"fc": "trained", "rehearsal": False, **changed}
        places = {"run_dir": str(tmp_path / name), "data_dir": str(data)}
        return train(make_config(tasks=tasks, **{**places, **settings, **changed}))

    return call


@pytest.fixture
def first(run, tmp_path):
    """The directory of a run that has learned the first task."""
    run("first", "task1")
    return str(tmp_path / "first")


def test_the_earlier_network_is_the_first_teacher(run, first, tmp_path, monkeypatch):
    earlier = Run(first).network().get_weights()
    with np.load(tmp_path / "first" / "optimizer.npz") as file:
        moments = [file[name] for name in file.files]
    assert max(np.abs(value).max() for value in moments[2:]) > 0
    teachers, promote = [], SDKD.promote

    def promote_and_look(self):
        promote(self)
        teachers.append(self.teacher.get_weights())
        for variable, value in zip(self.optimizer.variables, moments, strict=True):
            np.testing.assert_array_equal(variable, value)

    monkeypatch.setattr(SDKD, "promote", promote_and_look)
    for folder in ("train", "validation", "test"):  # nothing of the earlier task is needed
        shutil.rmtree(tmp_path / "data" / folder / "task1")
    results = run("next", "task2", continue_from=first)
    assert len(teachers) == 1
    for found, expected in zip(teachers[0], earlier, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(results.tasks[0].losses["loss"]) == 1  # not first_task_epochs
    assert results.tasks[0].preparation["translator_error"] > 0
    assert results.earlier == [] and np.isnan(results.forgetting("test"))  # their images are gone
    assert results.untested == ["first"]
    assert results.continued_from == Run(first).weights_digest() and len(results.continued_from) == 64
    assert any((a != b).any() for a, b in zip(Run(tmp_path / "next").network().get_weights(), earlier, strict=True))


def test_earlier_tasks_are_tested_again_where_their_images_still_are(run, first, tmp_path):
    unchanged = run("same", "task2", continue_from=first, learning_rate=0.0)
    accuracy = {split: Run(first).results.accuracy(split)[0, 0] for split in ("validation", "test")}
    assert unchanged.earlier == [EarlierTask("first/task1", accuracy, accuracy)]
    assert unchanged.forgetting("test") == 0.0
    third = run("third", "task2", continue_from=str(tmp_path / "same"), strategy="finetune")
    assert [task.name for task in third.earlier] == ["first/task1", "same/task2"]
    assert third.earlier[0].before == accuracy
    # The same images as the new task of this run.
    assert third.earlier[1].after["test"] == third.accuracy("test")[0, 0]
    assert third.untested == []


def test_a_run_that_was_overwritten_is_not_taken_for_the_earlier_one(run, first, tmp_path):
    """First it is trained anew, then so that it continues a run that continues it."""
    run("second", "task2", continue_from=first)
    run("first", "task2", overwrite=True)
    third = run("third", "task1", continue_from=str(tmp_path / "second"))
    assert [task.name for task in third.earlier] == ["second/task2"] and third.untested == ["first"]
    run("first", "task2", continue_from=str(tmp_path / "second"), overwrite=True)
    assert [found.directory.name for found in Run(first).lineage()] == ["first", "second"]


def test_the_earlier_run_is_found_from_any_folder(run, first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("next", "task2", continue_from="first")
    monkeypatch.chdir("/")
    assert [found.directory.name for found in Run(tmp_path / "next").lineage()] == ["next", "first"]


def test_without_an_earlier_run_there_is_nothing_to_continue(run, tmp_path):
    with pytest.raises(UserError, match="first/results.json: no such file; expected the directory of a finished run"):
        run("next", "task2", continue_from=str(tmp_path / "first"))
    assert not (tmp_path / "next").exists()


def other_network(num_classes, options):
    return ARCHITECTURES["tiny"][1](num_classes)


def test_what_cannot_be_continued_is_one_line(run, first, tmp_path, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "other", (VGG16Options, other_network))
    run("other", "task1", architecture="other")
    other = str(tmp_path / "other")
    network = r"its network differs from the one these options describe; expected --flagfile=.*/flags.flags$"
    for changed, message in (
        ({"strategy": "replay"}, "strategy=replay does not work with --continue_from.*expected one of .*sdkd"),
        ({"input_size": 64}, f"continue_from {first}: {network}"),
        ({"architecture": "other"}, f"continue_from {first}: {network}"),
        ({"continue_from": other}, f"continue_from {other}: {network}"),
    ):
        with pytest.raises(UserError, match=message) as error:
            run("next", "task2", **{"continue_from": first, **changed})
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="first: is also --continue_from; expected another directory"):
        run("first", "task2", continue_from=first, overwrite=True)
    (tmp_path / "first" / "optimizer.npz").write_bytes(b"damaged")
    with pytest.raises(UserError, match="optimizer.npz: cannot be read as .npz"):
        run("next", "task2", continue_from=first)
    assert not (tmp_path / "next").exists() and Run(first).finished


@pytest.mark.parametrize("strategy", ["finetune", "lwf", "sdkd"])
def test_a_run_goes_on_without_masks_where_the_classification_teaches_the_map(run, first, tmp_path, strategy):
    assert Run(first).config.network.detach_map is True
    shutil.rmtree(tmp_path / "data" / "masks")
    results = run("next", "task2", strategy=strategy, continue_from=first)
    assert Run(tmp_path / "next").config.network.detach_map is False
    assert results.tasks[0].losses["saliency"] == [0.0] and results.tasks[0].test.saliency_mae == [None]


def test_moments_of_other_variables_are_left(run, first, tmp_path, capsys):
    run("finetuned", "task1", strategy="finetune")
    run("next", "task2", continue_from=str(tmp_path / "finetuned"))  # SDKD trains a translator as well
    line = "the optimizer's moments do not fit these options; they start from zero"
    assert f"{tmp_path / 'finetuned'}: {line}\n" in capsys.readouterr().out
    run("fitting", "task2", continue_from=first)
    assert line not in capsys.readouterr().out


def test_class_statistics_are_handed_over(run, first, tmp_path):
    message = "first: does not hold what --strategy=sdkd keeps from task to task; expected a run with the same strategy"
    with pytest.raises(UserError, match=message):
        run("next", "task2", continue_from=first, fc="closed_form")
    both = run("both", "task1", "task2", fc="closed_form", first_task_epochs=1)
    run("one", "task1", fc="closed_form", first_task_epochs=1)
    run("two", "task2", fc="closed_form", continue_from=str(tmp_path / "one"))
    with np.load(tmp_path / "both" / "kept.npz") as together, np.load(tmp_path / "two" / "kept.npz") as apart:
        np.testing.assert_array_equal(apart["counts"], together["counts"])  # the counts
        assert apart["counts"].sum() == sum(task.images for task in both.tasks)
        assert together["means"].shape == apart["means"].shape == (2, 8)


def test_further_classes_get_labels_after_the_known_ones(run, write_sequence, tmp_path):
    """The new classes are named so that they would come first in natural order."""
    run("one", "task1", fc="closed_form", first_task_epochs=1)
    data = write_sequence(tmp_path / "further", classes=2)
    for folder in sorted(data.rglob("thing_0*")):
        folder.rename(folder.with_name(folder.name.replace("thing", "a_thing")))
    results = run("two", "task2", fc="closed_form", continue_from=str(tmp_path / "one"), data_dir=str(data))
    assert results.classes == ["thing_00", "thing_01", "a_thing_00", "a_thing_01"]
    with np.load(tmp_path / "one" / "kept.npz") as old, np.load(tmp_path / "two" / "kept.npz") as new:
        counts, old_counts = new["counts"], old["counts"]
        np.testing.assert_array_equal(counts, [*old_counts, *[results.tasks[0].images / 2] * 2])
        assert new["means"].shape == (4, 8)
    assert Run(tmp_path / "two").network().output_shape[0] == (None, 4)
    assert Run(tmp_path / "two").tasks().classes == tuple(results.classes)


def test_soft_targets_leave_out_what_the_teacher_does_not_know(run, first, write_sequence, tmp_path, monkeypatch):
    known, begin_task = [], SDKD.begin_task

    def begin_and_look(self, task):
        numbers = begin_task(self, task)
        known.append(self.known.numpy().tolist())
        return numbers

    monkeypatch.setattr(SDKD, "begin_task", begin_and_look)
    run("next", "task2", continue_from=first, data_dir=str(write_sequence(tmp_path / "three", classes=3)))
    assert known == [[True, True, False]]


def test_what_a_device_was_taught_is_handed_over(run, write_sequence, tmp_path):
    """The device has learned four images of a new class; the next task has two classes that the run knows."""
    run("one", "task1", fc="closed_form", first_task_epochs=1)
    one, path = Run(tmp_path / "one"), tmp_path / "head.json"
    Head(one.results.classes, one.statistics()).taught(np.eye(4, 8, dtype=np.float32), ["new"] * 4).write(path)
    given = {"fc": "closed_form", "continue_from": str(tmp_path / "one")}
    results = run("two", "task2", **given, taught=str(path))
    assert results.classes == ["thing_00", "thing_01", "new"]
    counts = Run(tmp_path / "two").statistics().counts.numpy()
    np.testing.assert_array_equal(counts, [*(one.statistics().counts.numpy() + results.tasks[0].images / 2), 4])
    Head(["other", "thing_01"], one.statistics()).write(path)
    with pytest.raises(
        UserError, match="head.json: does not begin with the classes of .*one; expected a head that was"
    ):
        run("three", "task2", **given, taught=str(path))
    Head(one.results.classes, one.statistics()).taught(np.eye(4, 8, dtype=np.float32), ["new"] * 4).write(path)
    with pytest.raises(UserError, match="head.json: does not fit the network of .*two; expected a head"):  # an old one
        run("three", "task1", fc="closed_form", continue_from=str(tmp_path / "two"), taught=str(path))
    with pytest.raises(UserError, match="--taught works only with --continue_from"):
        run("three", "task2", taught=str(path))
