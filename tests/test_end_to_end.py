"""One small run through everything: train two tasks, convert, read with LiteRT, predict, report."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sdkd_tf.commands.evaluate import score_table
from sdkd_tf.config import make_config
from sdkd_tf.data import pipeline
from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy import conversion
from sdkd_tf.deploy.conversion import ConversionOptions, convert
from sdkd_tf.deploy.golden import verify
from sdkd_tf.deploy.head import head_beside
from sdkd_tf.deploy.recognizer import Recognizer
from sdkd_tf.deploy.tflite import Classifier, float_operators
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.judge import Judged, judge
from sdkd_tf.files import lock, read_npz
from sdkd_tf.options import make_options
from sdkd_tf.reporting import html_report
from sdkd_tf.reporting.tables import summary
from sdkd_tf.run import Run
from sdkd_tf.training import train

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run(write_sequence, tmp_path_factory):
    """(run directory, results, training images in the order they were read)."""
    data = write_sequence(tmp_path_factory.mktemp("data"))
    run_dir = tmp_path_factory.mktemp("run")
    read = []
    with pytest.MonkeyPatch.context() as patch:
        original = pipeline.open_image
        patch.setattr(html_report, "probe_accuracy", lambda *_: 0.5)  # it reads all images
        patch.setattr(pipeline, "open_image", lambda path: read.append(str(path)) or original(path))
        options = {
            "epochs": 1,
            "first_task_epochs": 1,
            "batch_size": 4,
            "min_steps": 1,
            "input_size": 64,
            "decoder_channels": 4,
        }
        results = train(make_config(run_dir=run_dir, data_dir=data, augmentation="light", **options))
    return run_dir, results, [path for path in read if "/train/" in path]


@pytest.fixture(scope="module")
def converted(run):
    run_dir = run[0]
    options = ConversionOptions(run_dir=str(run_dir), epochs=1, batch_size=4)
    return convert(options), run_dir / "tflite" / "sdkd_int8.tflite"


def test_no_image_of_an_earlier_task_is_read_again(run):
    tasks = [path.split("/train/")[1].split("/")[0] for path in run[2]]
    assert set(tasks) == {"task1", "task2"}
    first_of_task2 = tasks.index("task2")
    assert "task1" not in tasks[first_of_task2:]


def test_run_directory(run):
    run_dir, results, _ = run
    assert Run(run_dir).results == results
    assert "--epochs=1\n" in (run_dir / "flags.flags").read_text()
    assert results.tasks[-1].kept_images == 0 and results.task_names == ["task1", "task2"]
    for split in ("validation", "test"):
        matrix = results.accuracy(split)
        assert matrix.shape == (2, 2) and 0 <= matrix.min() and matrix.max() <= 1
    first, second = (task.losses for task in results.tasks)
    assert set(second) >= {"loss", "classification", "factor_transfer", "soft_target", "saliency"}
    assert first["soft_target"] == [0.0] and second["soft_target"][0] != 0.0
    for name in ("accuracy_matrix", "mean_accuracy", "saliency"):
        with Image.open(run_dir / "plots" / f"{name}.png") as plot:
            assert np.asarray(plot.convert("L")).std() > 5
    assert list((run_dir / "logs" / "task2").rglob("events.*"))


def test_saved_weights_and_checkpoint_hold_the_last_student(run):
    run_dir, results, _ = run
    network = Run(run_dir).network()
    weights, checkpoint = (read_npz(run_dir / name) for name in ("weights.npz", "checkpoints/task2.npz"))
    assert weights.keys() == checkpoint.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, checkpoint[name])
    assert sum(array.size for array in weights.values()) == network.count_params() == results.parameters


def test_int8_file(run, converted):
    conversion, path = converted
    classifier = Classifier(path)
    assert classifier.input_size == 64 and classifier.num_classes == 2
    prediction = classifier(np.full((64, 64, 3), 90, np.uint8))
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=0.02)
    assert prediction.saliency.shape == (4, 4)
    assert conversion.bytes == path.stat().st_size
    assert set(conversion.validation.accuracy) == set(conversion.test.accuracy) == {"task1", "task2"}
    assert conversion.float_ops == float_operators(path) == []
    assert verify(path, path.with_name("golden"))[1:] == [
        "probabilities: largest difference 0.0000",
        "saliency: largest difference 0.0000",
    ]
    alone = Classifier(path.with_name("sdkd_int8_classifier.tflite"))
    assert not alone.has_saliency
    np.testing.assert_array_equal(alone(np.full((64, 64, 3), 90, np.uint8)).probabilities, prediction.probabilities)
    assert path.with_name("labels.txt").read_text() == "thing_00\nthing_01\n"


def test_the_head_follows_the_quantization(run, converted):
    """Of the quantized embeddings, its means are better than those of the float network."""
    _, path = converted
    statistics, known = head_beside(path).statistics, Run(run[0]).statistics()
    classifier, embeddings, labels = Classifier(path), [], []
    for example in (e for task in Run(run[0]).tasks().tasks for e in task.train):
        embeddings.append(classifier(letterbox(open_image(example.image), 64)).embedding)
        labels.append(example.label)
    means = np.stack([np.mean([e for e, k in zip(embeddings, labels) if k == label], axis=0) for label in (0, 1)])
    followed, left = (np.abs(s.means.numpy() - means).mean() for s in (statistics, known))
    assert 0 < followed < left
    np.testing.assert_array_equal(statistics.counts, known.counts)


def test_another_format_leaves_the_head_of_the_int8_file_alone(run, converted, monkeypatch):
    """It may have been taught, and fits the quantized network."""
    path = converted[1].with_name("head.json")
    before, images = path.read_bytes(), []
    monkeypatch.setattr(conversion, "write_models", lambda *arguments: images.extend(arguments[-1]))
    monkeypatch.setattr(conversion, "measure", lambda *_: converted[0])
    monkeypatch.setattr(conversion, "write_golden", lambda *_: None)
    convert(ConversionOptions(run_dir=str(run[0]), quantization="ptq"))
    assert path.read_bytes() == before
    # The ranges are those of both classes, not of the first images, which all show the first class.
    labels = [int(batch["label"][0]) for batch in images]
    assert len(labels) == 200 and 0.4 < np.mean(labels[:100]) < 0.6


def test_predict_command(run, converted, tmp_path):
    rgba = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 90, 4)).astype(np.uint8))
    rgba.save(tmp_path / "odd.png")
    command = [sys.executable, "-m", "sdkd_tf.commands", "predict", f"--out_dir={tmp_path / 'out'}"]
    for model in (converted[1], run[0]):  # the int8 file, and the float network of the run
        ready = [*command, f"--model={model}", tmp_path / "odd.png"]
        done = subprocess.run(ready, cwd=ROOT, capture_output=True, text=True, check=True)
        line = done.stdout.splitlines()[0]
        assert line.startswith(f"{tmp_path / 'odd.png'}: thing_0") and line.count("thing_") == 2
        assert done.stderr in ("", "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        (row,) = json.loads((tmp_path / "out" / "predictions.json").read_text())
        assert sum(row["probabilities"]) == pytest.approx(1, abs=0.02) and len(row["labels"]) == 2
        with Image.open(tmp_path / "out" / "predictions.png") as sheet:
            assert sheet.size == (16 + 2 * 244 + 16, 16 + 133 + 3 * 17 + 16)  # 90x50 scaled to 240x133
    bad = subprocess.run([*ready, tmp_path / "none.png"], cwd=ROOT, capture_output=True, text=True)
    assert bad.returncode != 0 and bad.stderr.splitlines()[-1] == f"error: image {tmp_path / 'none.png'}: no such file"


def test_summary_reports_the_numbers(run, converted):
    text = summary(Run(run[0]))
    assert f"| task2 | {np.mean(run[1].accuracy('validation')[1]):.3f} |" in text
    assert f"{converted[0].bytes / 1e6:.2f} MB" in text


def test_scores_of_every_task_are_those_of_the_last_evaluation(run):
    finished = Run(run[0])
    judged = {task.name: judge(Recognizer(run[0]), task.test, 64) for task in finished.tasks().tasks}
    lines = [line.strip("| ").split(" | ") for line in score_table(judged).splitlines()]
    accuracy, mae = run[1].accuracy("test")[1], run[1].saliency_mae("test")[1]
    assert lines[0][:6] == ["images of", "images", "accuracy", "95 % interval", "known", "MAE"]
    assert [[*line[:3], line[5]] for line in lines[2:]] == [
        ["task1", "4", f"{accuracy[0]:.3f}", f"{mae[0]:.3f}"],
        ["task2", "4", f"{accuracy[1]:.3f}", f"{mae[1]:.3f}"],
        ["all", "8", f"{np.mean(accuracy):.3f}", f"{np.mean(mae):.3f}"],
    ]


def test_scores_of_a_perfect_and_an_inverted_map():
    mask = np.zeros((8, 8))
    mask[2:6, 2:6] = 1
    judged = {
        "good": Judged([True], [True], [(mask, mask)]),
        "bad": Judged([False], [False], [(1 - mask, mask)]),
        "none": Judged([True], [True], []),
    }
    cells = {
        name: values for name, *values in (line.strip("| ").split(" | ") for line in score_table(judged).splitlines())
    }
    # The inverted map is best where everything counts as salient: all 16 pixels of the object among 64.
    one = "0.207 to 1.000"  # Wilson: 1 / (1 + z^2)
    assert cells["good"][:6] == ["1", "1.000", one, "1.000", "0.000", "1.000"]
    assert cells["bad"][:6] == ["1", "0.000", "0.000 to 0.793", "0.000", "1.000", f"{1.3 * 16 / (4.8 + 64):.3f}"]
    assert cells["none"] == ["1", "1.000", one, "1.000", "–", "–", "–", "–", "–"]
    assert [cells["all"][i] for i in (0, 1, 3, 4)] == ["3", "0.667", "0.667", "0.500"]


@pytest.mark.parametrize(
    "file, change, reason",
    [
        (
            "config.json",
            {"architecture": "resnet"},
            "architecture is 'resnet'; expected one of sdkd, mobilenet_v2, vgg16",
        ),
        ("config.json", {"architecture": "vgg16"}, "network has the unknown option"),
        ("config.json", {"architecture": "vgg16", "network": {}}, "holds a vgg16 network; expected one with saliency"),
        ("config.json", {"data": {"data_dir": "/nowhere"}}, "data_dir /nowhere: no such directory"),
        ("config.json", {"data": {"data_dir": 3}}, "Expected `str`, got `int` - at `$.data.data_dir`"),
        ("config.json", {"data": {"data_dir": "a\0b"}}, "data_dir a\0b: no such directory"),
        ("config.json", {"data": {"filelist": "../../x"}}, "filelist is '../../x', but .* has the layout tasks"),
        ("config.json", {"data": {"max_tasks": "all"}}, "Expected `int | null`, got `str` - at `$.data.max_tasks`"),
        ("config.json", {"data": {"labels": "category"}}, "are not those .* was trained on"),
        ("config.json", {"training": {"augmentation": "os.system"}}, "Invalid enum value 'os.system'"),
        ("config.json", {"options": {"temperature": []}}, "Expected `float`, got `array`"),
        ("results.json", {"skipped": [["/etc/passwd"]]}, "Expected `object`, got `array` - at `$.skipped`"),
        ("results.json", {"classes": ["a", "b"]}, "are not those .* was trained on"),
        ("results.json", {"fingerprint": "0"}, "are not those .* was trained on"),
        ("results.json", {"tasks": []}, "tasks is empty"),
    ],
)
def test_a_run_from_elsewhere_ends_a_conversion_with_one_line(run, tmp_path, file, change, reason):
    for name in ("config.json", "results.json", "weights.npz"):
        shutil.copyfile(run[0] / name, tmp_path / name)
    content = json.loads((tmp_path / file).read_text())
    if "data" in change:  # the rest of what is said of the data stays
        change = {"data": {**content["data"], **change["data"]}}
    (tmp_path / file).write_text(json.dumps({**content, **change}))
    with pytest.raises(UserError, match=reason.replace("$", "[$]").replace("int | null", "int [|] null")) as error:
        convert(ConversionOptions(run_dir=str(tmp_path)))
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "results.json", "weights.npz"]


def test_a_finished_run_is_not_overwritten(run):
    before = (run[0] / "results.json").read_bytes()
    with pytest.raises(UserError, match="holds a finished run"):
        train(make_config(run_dir=run[0]))
    assert (run[0] / "results.json").read_bytes() == before


def test_one_folder_is_converted_by_one_process_at_a_time(run, converted):
    with lock(run[0] / "tflite" / ".lock"), pytest.raises(UserError, match="tflite: is in use by another process"):
        convert(ConversionOptions(run_dir=str(run[0])))


def test_bad_input_of_the_commands(tmp_path):
    with pytest.raises(UserError, match="strategy is 'magic'; expected one of sdkd, finetune"):
        make_config(strategy="magic")
    with pytest.raises(UserError, match="/nowhere: no such directory"):
        train(make_config(run_dir=tmp_path / "run", data_dir="/nowhere"))
    with pytest.raises(UserError, match="results.json: no such file; expected the directory of a finished run"):
        convert(ConversionOptions(run_dir=str(tmp_path)))
    with pytest.raises(UserError, match="--quantization=int4: expected one of float, ptq, qat"):
        make_options(ConversionOptions, {"quantization": "int4"})
    assert not list(tmp_path.iterdir())
    (tmp_path / "model.tflite").write_bytes(b"no flatbuffer")
    with pytest.raises(UserError, match="is not a usable TFLite file"):
        Classifier(tmp_path / "model.tflite")


@pytest.mark.parametrize("flag", ["", "--run_dir=x --data_dir=/nowhere", "--run_dir=x --input_size=65", "x"])
def test_train_command_reports_errors_in_one_line(flag):
    done = subprocess.run([sys.executable, "train.py", *flag.split()], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not (ROOT / "x").exists()
