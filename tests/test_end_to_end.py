"""One small run through everything: train two tasks, convert, read with LiteRT, predict, report."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sdkd_tf.deploy.runtime import Classifier, float_operators
from sdkd_tf.deploy.verify import verify
from sdkd_tf.model.saved import load_network

from sdkd_tf import lifelong, report, saliency_quality
from sdkd_tf.data import pipeline
from sdkd_tf.deploy.conversion import convert
from sdkd_tf.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run(write_sequence, tmp_path_factory):
    """(run directory, results, training images in the order they were read)."""
    data = write_sequence(tmp_path_factory.mktemp("data"))
    run_dir = tmp_path_factory.mktemp("run")
    read = []
    with pytest.MonkeyPatch.context() as patch:
        original = pipeline.open_image
        patch.setattr(pipeline, "open_image", lambda path: read.append(str(path)) or original(path))
        results = lifelong.run(
            run_dir,
            data,
            epochs=1,
            batch_size=4,
            network={"input_size": 64, "decoder_channels": 4, "pooling": "mass"},
            options={"saliency_weight": 1.0},
            flagfile="--epochs=1\n",
        )
    return run_dir, results, [path for path in read if "/train/" in path]


@pytest.fixture(scope="module")
def converted(run):
    run_dir = run[0]
    return convert(run_dir, epochs=1, batch_size=4), run_dir / "tflite" / "sdkd_int8.tflite"


def test_no_image_of_an_earlier_task_is_read_again(run):
    tasks = [path.split("/train/")[1].split("/")[0] for path in run[2]]
    assert set(tasks) == {"task1", "task2"}
    first_of_task2 = tasks.index("task2")
    assert "task1" not in tasks[first_of_task2:]


def test_run_directory(run):
    run_dir, results, _ = run
    assert json.loads((run_dir / "results.json").read_text()) == results
    assert (run_dir / "flags.flags").read_text() == "--epochs=1\n"
    assert results["replay_images"] == 0 and results["tasks"] == ["task1", "task2"]
    for matrix in results["accuracy_matrix"].values():
        assert np.shape(matrix) == (2, 2) and 0 <= np.min(matrix) and np.max(matrix) <= 1
    assert set(results["history"][1]) >= {"loss", "classification", "factor_transfer", "soft_target", "saliency"}
    assert results["history"][0]["soft_target"] == [0.0] and results["history"][1]["soft_target"][0] != 0.0
    for name in ("accuracy_matrix", "mean_accuracy", "saliency"):
        with Image.open(run_dir / "plots" / f"{name}.png") as plot:
            assert np.asarray(plot.convert("L")).std() > 5
    assert list((run_dir / "logs" / "task2").rglob("events.*"))


def test_saved_model_and_checkpoint_hold_the_last_student(run):
    run_dir, results, _ = run
    model, checkpoint = load_network(run_dir / "model.keras"), load_network(run_dir / "checkpoints" / "task2.keras")
    for a, b in zip(model.get_weights(), checkpoint.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.count_params() == results["parameters"]


def test_int8_file(run, converted):
    conversion, path = converted
    classifier = Classifier(path)
    assert classifier.input_size == 64 and classifier.num_classes == 2
    prediction = classifier(np.full((64, 64, 3), 90, np.uint8))
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=0.02)
    assert prediction.saliency.shape == (4, 4)
    assert conversion["bytes"] == path.stat().st_size
    assert set(conversion["validation"]["accuracy"]) == set(conversion["test"]["accuracy"]) == {"task1", "task2"}
    assert conversion["float_ops"] == float_operators(path) == []
    assert set(conversion["test"]["resized"]) == {"nearest", "bilinear"}
    assert verify(path, path.with_name("golden"))[1:] == [
        "probabilities: largest difference 0.0000",
        "saliency: largest difference 0.0000",
    ]
    alone = Classifier(path.with_name("sdkd_int8_classifier.tflite"))
    assert not alone.has_saliency
    np.testing.assert_array_equal(alone(np.full((64, 64, 3), 90, np.uint8)).probabilities, prediction.probabilities)
    assert path.with_name("labels.txt").read_text() == "thing_00\nthing_01\n"


def test_predict_command(converted, tmp_path):
    rgba = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 90, 4)).astype(np.uint8))
    rgba.save(tmp_path / "odd.png")
    command = [sys.executable, "-m", "sdkd_tf.predict", f"--model={converted[1]}", f"--overlay_dir={tmp_path / 'out'}"]
    done = subprocess.run([*command, tmp_path / "odd.png"], cwd=ROOT, capture_output=True, text=True, check=True)
    line = done.stdout.splitlines()[0]
    assert line.startswith(f"{tmp_path / 'odd.png'}: thing_0") and line.count("thing_") == 2
    (overlay,) = (tmp_path / "out").iterdir()
    with Image.open(overlay) as image:
        assert image.size == (90, 50)
    assert overlay.name == "odd_png_saliency.png"
    bad = subprocess.run([*command, tmp_path / "none.png"], cwd=ROOT, capture_output=True, text=True)
    assert bad.returncode != 0 and bad.stderr.splitlines()[-1] == f"error: image {tmp_path / 'none.png'}: no such file"


def test_summary_tells_the_numbers(run, converted):
    text = report.summary(run[0])
    assert f"| task2 | {np.mean(run[1]['accuracy_matrix']['validation'][1]):.3f} |" in text
    assert f"{converted[0]['bytes'] / 1e6:.2f} MB" in text


def test_quality_of_the_maps_is_told_of_every_task(run, capsys):
    saliency_quality.main([str(run[0])])
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert lines[0] == ["test images of", "MAE", "max F", "S-measure", "mean E", "max E"]
    last_row = run[1]["saliency_mae_matrix"]["test"][1]
    assert [line[:2] for line in lines[1:]] == [
        ["task1", f"{last_row[0]:.3f}"],
        ["task2", f"{last_row[1]:.3f}"],
        ["all", f"{np.mean(last_row):.3f}"],
    ]


def test_quality_table_of_a_perfect_and_an_inverted_map():
    mask = np.zeros((8, 8))
    mask[2:6, 2:6] = 1
    lines = saliency_quality.table({"good": [(mask, mask)], "bad": [(1 - mask, mask)], "unknown": []}).splitlines()[2:]
    cells = {name: values for name, *values in (line.strip("| ").split(" | ") for line in lines)}
    assert list(cells) == ["good", "bad", "all"]
    # The inverted map is best where everything counts as salient: all 16 pixels of the object among 64.
    assert cells["good"][:3] == ["0.000", "1.000", "1.000"] and cells["bad"][:2] == [
        "1.000",
        f"{1.3 * 16 / (4.8 + 64):.3f}",
    ]
    assert cells["all"][0] == "0.500"


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"architecture": "vgg16"}, "holds a vgg16 network; expected one with saliency"),
        ({"data": "/nowhere"}, "data_dir /nowhere: no such directory"),
        ({"data": "a\0b"}, "no such directory"),
        ({"data": 3}, "data is 3; expected text"),
        ({"selection": {"filelist": "../../x"}}, "filelist is '../../x', but"),
        ({"selection": {"max_tasks": "all"}}, "selection.max_tasks is 'all'; expected a whole number"),
        ({"selection": {"labels": "category", "problems": []}}, "labels is category, but|its classes are not those"),
        ({"skipped": [["/etc/passwd"]]}, "skipped is .*; expected an object"),
        ({"classes": ["a", "b"]}, "its classes are not those"),
        ({"augmentation": "os.system"}, "augmentation is 'os.system'; expected none, light, hard"),
        ({"options": {"temperature": []}}, r"options.temperature is \[\]; expected a number"),
    ],
)
def test_results_from_elsewhere_end_a_conversion_with_a_line(run, tmp_path, change, reason):
    shutil.copyfile(run[0] / "model.keras", tmp_path / "model.keras")
    (tmp_path / "results.json").write_text(json.dumps({**run[1], **change}))
    with pytest.raises(UserError, match=reason):
        convert(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "results.json"]


def test_finished_run_is_not_overwritten(run):
    before = (run[0] / "results.json").read_bytes()
    with pytest.raises(UserError, match="already holds a finished run"):
        lifelong.run(run[0], run[1]["data"])
    assert (run[0] / "results.json").read_bytes() == before


def test_bad_input_of_the_commands(tmp_path):
    with pytest.raises(UserError, match="strategy is 'magic'; expected one of sdkd, finetune"):
        lifelong.run(tmp_path / "run", strategy="magic")
    with pytest.raises(UserError, match="/nowhere: no such directory"):
        lifelong.run(tmp_path / "run", data_dir="/nowhere")
    with pytest.raises(UserError, match="results.json: no such file; expected the directory of a finished run"):
        convert(tmp_path)
    with pytest.raises(UserError, match="quantization is 'int4'; expected one of qat, ptq, float"):
        convert(tmp_path, "int4")
    assert not list(tmp_path.iterdir())
    (tmp_path / "model.tflite").write_bytes(b"no flatbuffer")
    with pytest.raises(UserError, match="is no TFLite file"):
        Classifier(tmp_path / "model.tflite")


@pytest.mark.parametrize(
    "flag", ["", "--run_dir=x --strategy=magic", "--run_dir=x --data_dir=/nowhere", "--run_dir=x --detach_map"]
)
def test_train_command_tells_errors_in_one_line(flag):
    done = subprocess.run([sys.executable, "train.py", *flag.split()], cwd=ROOT, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1 and len(errors) == 1 and "Traceback" not in done.stderr
    assert not (ROOT / "x").exists()
