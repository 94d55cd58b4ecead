"""A float file computes what its network computes."""

import numpy as np
import pytest
import scipy.special

from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.deploy.conversion import _publish, _working_directory
from sdkd_tf.deploy.head import Head, read_head
from sdkd_tf.deploy.report import Conversion, Latency, SplitReport, load_conversions
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.model.network import Outputs
from sdkd_tf.strategies.discriminant import ClassStatistics


def test_float_file_equals_the_network(models, network):
    classifier = Classifier(models / "net.tflite")
    for image in np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8):
        expected = Outputs(*network(to_network_range(image[None])))
        found = classifier(image)
        np.testing.assert_allclose(found.probabilities, scipy.special.softmax(expected.logits[0]), atol=1e-4)
        np.testing.assert_allclose(found.saliency, expected.saliency[0, :, :, 0], atol=1e-4)


def test_a_conversion_of_other_weights_is_not_resumed(tmp_path):
    directory = _working_directory(tmp_path / "working", ["qat", 2, "digest of a"])
    (directory / "progress").mkdir()
    assert (_working_directory(directory, ["qat", 2, "digest of a"]) / "progress").exists()
    assert not (_working_directory(directory, ["qat", 2, "digest of b"]) / "progress").exists()


def statistics_of(*counts):
    """Statistics of embeddings of length 3, with these numbers of images of each class."""
    statistics = ClassStatistics(len(counts), 3)
    labels = np.repeat(np.arange(len(counts)), counts)
    statistics.add(np.random.default_rng(0).normal(size=(len(labels), 3)), labels)
    return statistics


@pytest.fixture
def publish(tmp_path):
    """A function that publishes a conversion of a run of two classes to `out`, and returns the names of the files."""

    def publish(quantization="qat", weights="a", head=True):
        files, split = tmp_path / "files", SplitReport({"t": {"float": 1.0, "tflite": 1.0}}, 1.0, 0.0)
        files.mkdir()
        (tmp_path / "out").mkdir(exist_ok=True)
        name = {"qat": "sdkd_int8", "ptq": "sdkd_int8_ptq"}[quantization]
        for suffix in ("", "_classifier"):
            (files / f"{name}{suffix}.tflite").write_text(weights)
        if head:
            Head(["cup", "ball"], statistics_of(4, 5)).write(files / "head.json")
        report = Conversion(f"{name}.tflite", 1, [], Latency(1.0, 1, "x"), split, split, weights=weights)
        _publish(files, tmp_path / "out", quantization, report)
        for left in files.iterdir():
            left.unlink()
        files.rmdir()
        return sorted(path.name for path in (tmp_path / "out").iterdir())

    return publish


def teach(tmp_path):
    path = tmp_path / "out" / "head.json"
    read_head(path).taught(np.eye(3), ["new"] * 3).write(path)


def test_a_taught_head_is_kept(publish, tmp_path, capsys):
    publish()
    first = ["conversion.json", "head.json", "sdkd_int8.tflite", "sdkd_int8_classifier.tflite"]
    assert publish() == first and capsys.readouterr().out == ""  # nothing was taught
    teach(tmp_path)
    publish("ptq")  # the int8 file that it was taught with stays
    assert read_head(tmp_path / "out" / "head.json").labels == ["cup", "ball", "new"]
    assert publish() == sorted([*first, "head_old.json", "sdkd_int8_ptq.tflite", "sdkd_int8_ptq_classifier.tflite"])
    assert "head.json: was taught or belongs to another run; renamed to head_old.json" in capsys.readouterr().out
    assert read_head(tmp_path / "out" / "head.json").labels == ["cup", "ball"]
    assert read_head(tmp_path / "out" / "head_old.json").labels == ["cup", "ball", "new"]


def test_files_of_another_run_do_not_stay_beside_its_labels(publish, tmp_path):
    publish()
    found = publish("ptq", weights="b", head=False)
    assert found == ["conversion.json", "head_old.json", "sdkd_int8_ptq.tflite", "sdkd_int8_ptq_classifier.tflite"]
    assert [*load_conversions(tmp_path / "out" / "conversion.json")] == ["ptq"]
