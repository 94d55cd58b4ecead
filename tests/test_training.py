"""The task loop with a network of one layer, so that what it reads and counts can be seen in seconds."""

import json
import shutil

import numpy as np
import pytest
import tf_keras as keras
from sdkd_tf.learner import Learner

from sdkd_tf import lifelong, report
from sdkd_tf.callbacks import Schedule
from sdkd_tf.data import pipeline
from sdkd_tf.errors import UserError

layers = keras.layers


def one_layer(num_classes, input_size=32):
    image = keras.Input((input_size, input_size, 3))
    pooled = layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, layers.Dense(num_classes)(pooled))


@pytest.fixture
def run(write_sequence, tmp_path, monkeypatch):
    """A function strategy -> (results, tasks whose training images were read after the check, in order)."""
    monkeypatch.setitem(lifelong.ARCHITECTURES, "one_layer", one_layer)
    data = write_sequence(tmp_path / "data", tasks=3)
    read = []
    original = pipeline.open_image
    monkeypatch.setattr(pipeline, "open_image", lambda path: read.append(str(path)) or original(path))

    def call(strategy, **changed):
        results = lifelong.run(
            tmp_path / strategy,
            data,
            strategy=strategy,
            epochs=2,
            batch_size=4,
            learning_rate=0.1,
            architecture="one_layer",
            **changed,
        )
        return results, [path.split("/train/")[1].split("/")[0] for path in read if "/train/" in path]

    return call


def test_finetune_reads_every_task_once_an_epoch_and_in_order(run):
    results, tasks = run("finetune")
    assert tasks == ["task1"] * 16 + ["task2"] * 16 + ["task3"] * 16  # 8 images, 2 epochs
    assert results["replay_images"] == 0 and results["preparation"] == [{}] * 3
    assert np.shape(results["accuracy_matrix"]["test"]) == (3, 3)
    assert results["saliency_mae_matrix"]["test"] == [[None] * 3] * 3


def test_joint_draws_from_all_tasks_so_far_and_trains_as_long(run):
    results, tasks = run("joint")
    assert results["replay_images"] == 16
    assert {len(epochs["loss"]) for epochs in results["history"]} == {2}
    assert set(tasks[:16]) == {"task1"} and set(tasks) == {"task1", "task2", "task3"}
    assert {"task1", "task2"} <= set(tasks[-30:])


def test_the_teacher_changes_what_is_learned_from_the_second_task_on(run):
    finetune, sdkd = run("finetune")[0], run("sdkd")[0]
    assert finetune["history"][0]["loss"] == pytest.approx(sdkd["history"][0]["loss"], rel=1e-5)
    assert "soft_target" not in finetune["history"][1] and sdkd["history"][1]["soft_target"][1] > 1e-3


def test_results_are_saved_and_a_network_without_maps_has_no_overlays(run, tmp_path):
    results, _ = run("finetune")
    assert json.loads((tmp_path / "finetune" / "results.json").read_text()) == results
    assert sorted(p.name for p in (tmp_path / "finetune" / "plots").iterdir()) == [
        "accuracy_matrix.png",
        "mean_accuracy.png",
    ]


def test_only_the_last_checkpoints_are_kept_if_asked_for(run, tmp_path):
    def kept():
        return sorted(path.name for path in (tmp_path / "finetune" / "checkpoints").iterdir())

    run("finetune")
    assert kept() == ["task1.keras", "task2.keras", "task3.keras"]
    run("finetune", keep_checkpoints=1, overwrite=True)
    assert kept() == ["task3.keras"]
    run("finetune", keep_checkpoints=0, overwrite=True)
    assert kept() == [] and (tmp_path / "finetune" / "model.keras").is_file()


def test_memory_is_told_for_every_task(run):
    peaks = run("finetune")[0]["peak_memory_mb"]
    assert len(peaks) == 3 and 100 < peaks[0] <= peaks[1] <= peaks[2]


def test_a_directory_that_may_not_be_a_runs_is_left_alone(run, tmp_path):
    mine = tmp_path / "finetune" / "logs" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match="finetune: holds logs, which may not be a run's"):
        run("finetune")
    assert mine.read_text() == "mine"
    run("finetune", overwrite=True)
    assert not mine.exists() and (tmp_path / "finetune" / "results.json").is_file()


def test_unknown_architecture(tmp_path):
    with pytest.raises(UserError, match="architecture is 'resnet'; expected one of sdkd, vgg16"):
        lifelong.run(tmp_path / "x", architecture="resnet")
    assert not (tmp_path / "x").exists()


def test_supervision_of_the_map_without_a_mask_is_refused_before_anything_is_written(
    write_sequence, tmp_path, monkeypatch
):
    def with_map(num_classes):
        network = one_layer(num_classes)
        return keras.Model(network.input, [network.output, layers.Conv2D(1, 1)(network.input)])

    monkeypatch.setitem(lifelong.ARCHITECTURES, "with_map", with_map)
    data = write_sequence(tmp_path / "data")
    shutil.rmtree(data / "masks")
    with pytest.raises(
        UserError,
        match="data: no training image of the first task, task1, has a mask or a box; .* without any: --saliency_weight=0",
    ):
        lifelong.run(
            tmp_path / "x", data, strategy="finetune", architecture="with_map", options={"saliency_weight": 1.0}
        )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "schedule, shares",
    [("cosine", [1, 0.5 + 0.125**0.5, 0.5, 0.5 - 0.125**0.5]), ("exponential", [1, 0.98, 0.9604, 0.941192])],
)
def test_learning_rate_falls_in_a_task(schedule, shares):
    model = Learner(one_layer(2))
    model.compile(keras.optimizers.Adam())
    falling = Schedule(4, 0.1, schedule)
    falling.set_model(model)
    rates = []
    for epoch in range(4):
        falling.on_epoch_begin(epoch)
        rates.append(float(model.optimizer.learning_rate))
    np.testing.assert_allclose(rates, np.multiply(0.1, shares), rtol=1e-5)


def test_report_tells_how_memory_grew_after_the_third_task():
    assert report._memory_line([800.0, 900.0, 1000.0, 1010.0, 1050.0], ["a", "b", "c", "d", "e"]) == (
        "memory at most 1050 MB, 5.0% over the peak until c"
    )
    assert report._memory_line([800.0, 900.0], ["a", "b"]) == "memory at most 900 MB"
