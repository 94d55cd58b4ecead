"""The task loop with a network of one layer, so that what it reads and counts can be seen in seconds."""

import dataclasses
import shutil
from typing import Annotated

import numpy as np
import pytest
import tf_keras as keras

from sdkd_tf.config import make_config
from sdkd_tf.data.pipeline import DecodedImages
from sdkd_tf.errors import UserError
from sdkd_tf.files import lock, read_npz
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.options import about
from sdkd_tf.run import Run
from sdkd_tf.training import train

layers = keras.layers


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the network."""

    input_size: Annotated[int, about("Side of the network's input in pixels.")] = 32
    detach_map: Annotated[bool | None, about("As in NetworkOptions.")] = None


def one_layer(num_classes, options=Options()):  # noqa: B008  it is frozen
    image = keras.Input((options.input_size, options.input_size, 3))
    pooled = layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, layers.Dense(num_classes, name="logits")(pooled))


@pytest.fixture
def data(write_sequence, tmp_path):
    return write_sequence(tmp_path / "data", tasks=3)


@pytest.fixture
def run(data, tmp_path, monkeypatch):
    """A function strategy -> (results, tasks of the training images that were shown, in order)."""
    monkeypatch.setitem(ARCHITECTURES, "one_layer", (Options, one_layer))
    shown = []
    read = DecodedImages.read
    monkeypatch.setattr(
        DecodedImages, "read", lambda memory, path, *rest: shown.append(path.decode()) or read(memory, path, *rest)
    )
    settings = {
        "epochs": 2,
        "first_task_epochs": 2,
        "batch_size": 4,
        "min_steps": 1,
        "learning_rate": 0.1,
        "architecture": "one_layer",
    }
    settings["report"] = False

    def call(strategy, **changed):
        places = {"run_dir": str(tmp_path / strategy), "data_dir": str(data)}
        results = train(make_config(strategy=strategy, **{**places, **settings, **changed}))
        return results, [path.split("/train/")[1].split("/")[0] for path in shown if "/train/" in path]

    return call


def test_finetune_reads_every_task_once_an_epoch_and_in_order(run):
    results, tasks = run("finetune")
    assert tasks == ["task1"] * 16 + ["task2"] * 16 + ["task3"] * 16  # 8 images, 2 epochs
    assert [task.kept_images for task in results.tasks] == [0, 0, 0]
    assert [task.preparation for task in results.tasks] == [{}, {}, {}]
    assert [task.images for task in results.tasks] == [8, 8, 8]
    assert results.accuracy("test").shape == (3, 3)
    assert [task.test.saliency_mae for task in results.tasks] == [[None] * 3] * 3


def test_the_first_task_has_twice_the_epochs_unless_told_otherwise(run):
    results, tasks = run("finetune", epochs=1, first_task_epochs=None)
    assert [len(task.losses["loss"]) for task in results.tasks] == [2, 1, 1]
    assert tasks == ["task1"] * 16 + ["task2"] * 8 + ["task3"] * 8


def test_a_small_task_repeats_its_images_up_to_the_smallest_number_of_steps(run):
    _, tasks = run("finetune", min_steps=5)  # of 4 images, instead of 2
    assert tasks == ["task1"] * 40 + ["task2"] * 40 + ["task3"] * 40


def test_a_task_without_epochs_is_not_trained_on(run, tmp_path):
    results, tasks = run("sdkd", epochs=0, first_task_epochs=1, fc="trained", rehearsal=False)
    assert tasks == ["task1"] * 8 and [task.preparation for task in results.tasks] == [{}, {}, {}]
    first, last = (read_npz(tmp_path / "sdkd" / "checkpoints" / f"task{k}.npz") for k in (1, 3))
    for name, weight in first.items():
        np.testing.assert_array_equal(weight, last[name])


def test_joint_draws_from_all_tasks_so_far_and_trains_as_long(run):
    results, tasks = run("joint")
    assert [task.kept_images for task in results.tasks] == [0, 8, 16]
    assert {len(task.losses["loss"]) for task in results.tasks} == {2}
    assert set(tasks[:16]) == {"task1"} and set(tasks) == {"task1", "task2", "task3"}
    assert {"task1", "task2"} <= set(tasks[-30:])


def test_the_teacher_changes_what_is_learned_from_the_second_task_on(run):
    finetune, sdkd = run("finetune")[0].tasks, run("sdkd")[0].tasks
    assert finetune[0].losses["loss"] == pytest.approx(sdkd[0].losses["loss"], rel=1e-5)
    assert "soft_target" not in finetune[1].losses and sdkd[1].losses["soft_target"][1] > 1e-3


def test_results_are_saved_and_a_network_without_maps_has_no_overlays(run, tmp_path):
    results, _ = run("finetune", report=True)
    assert Run(tmp_path / "finetune").results == results
    assert sorted(p.name for p in (tmp_path / "finetune" / "plots").iterdir()) == [
        "accuracy_matrix.png",
        "confusion.png",
        "mean_accuracy.png",
    ]
    assert Run(tmp_path / "finetune").saliency() is None


def test_only_the_last_checkpoints_are_kept_if_asked_for(run, tmp_path):
    def kept():
        return sorted(path.name for path in (tmp_path / "finetune" / "checkpoints").iterdir())

    run("finetune")
    assert kept() == ["task1.npz", "task2.npz", "task3.npz"]
    run("finetune", keep_checkpoints=1, overwrite=True)
    assert kept() == ["task3.npz"]
    run("finetune", keep_checkpoints=0, overwrite=True)
    assert kept() == [] and (tmp_path / "finetune" / "weights.npz").is_file()


def test_memory_is_recorded_for_every_task(run):
    peaks = [task.peak_memory_mb for task in run("finetune")[0].tasks]
    assert len(peaks) == 3 and 100 < peaks[0] <= peaks[1] <= peaks[2]


def test_a_run_and_its_data_may_be_moved(run, data, tmp_path):
    results, _ = run("finetune")
    weights = Run(tmp_path / "finetune").network().get_weights()
    assert weights[0].shape == (3, 2) and np.abs(weights[0]).max() > 0
    before = Run(tmp_path / "finetune").tasks()
    moved_data = shutil.move(data, tmp_path / "elsewhere")
    moved = Run(shutil.move(tmp_path / "finetune", tmp_path / "run"))
    assert moved.results == results
    for found, expected in zip(moved.network().get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(UserError, match=f"^data_dir {data}: no such directory"):
        moved.tasks()
    tasks = moved.tasks(data_dir=str(moved_data))
    assert (tasks.root, tasks.classes) == (moved_data, before.classes)

    def names(sequence):
        return [(sequence.relative(e.image), e.label) for task in sequence.tasks for e in task.examples]

    assert names(tasks) == names(before) and len(names(tasks)) == 48


@pytest.mark.parametrize("file", ["train/task2/thing_01/003.jpg", "masks/test/task1/thing_00/000.png"])
def test_data_with_one_changed_byte_are_not_those_of_the_run(run, data, tmp_path, file):
    run("finetune")
    copy = shutil.copytree(data, tmp_path / "copy")
    finished = Run(tmp_path / "finetune")
    assert finished.tasks(data_dir=str(copy)).root == copy
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(UserError) as error:
        finished.tasks(data_dir=str(copy))
    line = f"data_dir {copy}: files, labels or masks are not those {finished.directory} was trained on"
    assert str(error.value).startswith(line) and "\n" not in str(error.value)
    assert finished.tasks().root == data


def test_images_that_were_skipped_are_skipped_again(run, data, tmp_path):
    (data / "train/task1/thing_00/001.jpg").write_bytes(b"damaged")
    with pytest.raises(UserError, match="train/task1/thing_00/001.jpg"):
        run("finetune")
    results, _ = run("finetune", skip_bad_images=True)
    assert list(results.skipped) == ["train/task1/thing_00/001.jpg"] and results.tasks[0].images == 7
    moved = shutil.move(data, tmp_path / "elsewhere")
    assert [len(task.train) for task in Run(tmp_path / "finetune").tasks(str(moved)).tasks] == [7, 8, 8]


def test_a_directory_that_may_not_be_a_runs_is_left_alone(run, tmp_path):
    mine = tmp_path / "finetune" / "logs" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match="finetune: holds logs, which may not be of a run"):
        run("finetune")
    assert mine.read_text() == "mine"
    run("finetune", overwrite=True)
    assert not mine.exists() and Run(tmp_path / "finetune").finished


def test_a_finished_run_is_not_overwritten(run, tmp_path):
    run("finetune")
    before = (tmp_path / "finetune" / "results.json").read_bytes()
    with pytest.raises(UserError, match="finetune: holds a finished run; expected another directory or --overwrite"):
        run("finetune")
    # Nor by a process that has looked before the run was finished.
    with pytest.raises(UserError, match="finetune: holds a finished run; expected another directory or --overwrite"):
        Run(tmp_path / "finetune").start(Run(tmp_path / "finetune").config)
    assert (tmp_path / "finetune" / "results.json").read_bytes() == before


def test_a_directory_that_another_process_writes_is_left_alone(run, tmp_path):
    (tmp_path / "finetune").mkdir()
    with (
        lock(tmp_path / "finetune" / ".lock"),
        pytest.raises(UserError, match="finetune: is in use by another process"),
    ):
        run("finetune")
    assert [path.name for path in (tmp_path / "finetune").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"architecture": "resnet"}, "architecture is 'resnet'; expected one of sdkd, mobilenet_v2, vgg16"),
        ({"strategy": "magic"}, "strategy is 'magic'; expected one of sdkd, finetune"),
        ({"run_dir": ""}, "--run_dir is missing; expected a directory to write to"),
        ({"data_dir": "/nowhere"}, "data_dir /nowhere: no such directory"),
        ({"data_dir": "."}, "run_dir x: is in the data folder; expected a directory outside of it"),
        ({"batch_size": 1}, "--batch_size=1: expected 2 or more with --rehearsal"),
    ],
)
def test_bad_options(tmp_path, monkeypatch, changed, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        train(make_config(**{"run_dir": "x", **changed}))
    assert not (tmp_path / "x").exists()


def with_map(num_classes, options):
    classifier = one_layer(num_classes, options)
    saliency, attention, detection = (
        layers.Conv2D(1, 1, name=name)(classifier.input) for name in ("saliency", "attention", "detection")
    )
    return keras.Model(classifier.input, [classifier.output, saliency, attention, detection])


@dataclasses.dataclass(frozen=True)
class PretrainedOptions(Options):
    marks_objects = True


def with_constant_map(num_classes, options):
    network = with_map(num_classes, options)
    layer = network.get_layer("saliency")
    layer.set_weights([0 * weight for weight in layer.get_weights()])
    return network


def test_a_pretrained_map_that_has_become_constant_is_an_error(run, tmp_path, monkeypatch):
    for name, build in (("varied", with_map), ("constant", with_constant_map)):
        monkeypatch.setitem(ARCHITECTURES, name, (PretrainedOptions, build))
    settings = {"epochs": 1, "saliency_weight": 0}
    run("finetune", run_dir=str(tmp_path / "varied"), architecture="varied", **settings)
    assert Run(tmp_path / "varied").config.network.detach_map is True  # no masks are needed to keep such a map
    with pytest.raises(UserError, match="^task task1: the saliency map has become constant, at 0.00; expected a lower"):
        run("finetune", run_dir=str(tmp_path / "constant"), architecture="constant", **settings)


@pytest.mark.parametrize("rehearsal", [True, False])
def test_rehearsal_needs_pseudo_masks_also_where_nothing_trains_the_map(run, data, tmp_path, monkeypatch, rehearsal):
    shutil.rmtree(data / "masks")
    monkeypatch.setitem(ARCHITECTURES, "varied", (PretrainedOptions, with_map))
    asked = []
    monkeypatch.setattr("sdkd_tf.training.with_pseudo_masks", lambda tasks, *_: asked.append(1) or tasks)
    run("sdkd", architecture="varied", epochs=1, saliency_weight=0, lambda1=0, fc="trained", rehearsal=rehearsal)
    assert len(asked) == rehearsal


def test_the_map_is_detached_where_masks_of_the_first_task_teach_it(run, data, tmp_path, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "one_layer", (Options, with_map))
    detached = {}

    def learn(name, **changed):
        results, _ = run("finetune", run_dir=str(tmp_path / name), epochs=1, **changed)
        detached[name] = Run(tmp_path / name).config.network.detach_map
        return results.tasks[0].losses["saliency"]

    assert min(learn("with masks")) > 0
    learn("no weight", saliency_weight=0)
    shutil.rmtree(data / "masks" / "train" / "task1")
    assert learn("no masks of the first task") == [0.0, 0.0]
    assert detached == {"with masks": True, "no weight": False, "no masks of the first task": False}
    with pytest.raises(UserError) as error:
        learn("refused", detach_map=True)
    line = "--detach_map: no training image of the first task, task1, has a mask or a box, or --saliency_weight is 0"
    assert str(error.value).startswith(line) and "\n" not in str(error.value)
    assert not (tmp_path / "refused").exists()
