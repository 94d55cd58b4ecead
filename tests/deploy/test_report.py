"""conversion.json comes back as it was written; what lacks an accuracy is one line."""

import json

import pytest

from sdkd_tf.deploy.report import Conversion, Latency, SplitReport, load_conversions
from sdkd_tf.errors import UserError
from sdkd_tf.files import write_json


@pytest.fixture
def path(tmp_path):
    split = SplitReport({"task1": {"float": 0.9, "tflite": 0.8}, "task2": {"float": 0.7, "tflite": 0.6}}, 0.9, 0.01)
    write_json(tmp_path / "conversion.json", {"qat": Conversion("x", 1, [], Latency(1.5, 1, "x86_64"), split, split)})
    return tmp_path / "conversion.json"


def test_means_of_what_was_written(path):
    conversion = load_conversions(path)["qat"]
    assert conversion.test.mean("float") == pytest.approx(0.8) and conversion.validation.mean("tflite") == 0.7


@pytest.mark.parametrize("accuracy", [{}, {"task1": {"float": 0.9}}, {"task1": {"float": 0.9, "int4": 0.1}}])
def test_without_accuracies(path, accuracy):
    stored = json.loads(path.read_text())
    stored["qat"]["test"]["accuracy"] = accuracy
    path.write_text(json.dumps(stored))
    with pytest.raises(
        UserError, match=f"^{path}: 'qat' lacks accuracies; expected `float` and `tflite` for each task"
    ):
        load_conversions(path)
