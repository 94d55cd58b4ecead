"""The head learns from embeddings what the statistics of all images together would say."""

import base64
import json

import numpy as np
import pytest

from sdkd_tf.deploy.head import Head, head_beside
from sdkd_tf.errors import UserError
from sdkd_tf.strategies.discriminant import ClassStatistics

rng = np.random.default_rng(0)
MEANS = 4 * rng.normal(size=(4, 6))


def images(label, count=20):
    return (MEANS[label] + rng.normal(size=(count, 6))).astype(np.float32)


@pytest.fixture
def head():
    """Knows the classes a and b, from 20 images each."""
    statistics = ClassStatistics(2, 6)
    for label in (0, 1):
        statistics.add(images(label), np.full(20, label))
    statistics.measure_reach(np.concatenate([images(0), images(1)]))
    return Head(["a", "b"], statistics)


def test_it_is_written_and_read(head, tmp_path):
    head.write(tmp_path / "head.json")
    found = head_beside(tmp_path / "model.tflite")
    assert found.labels == ["a", "b"]
    for own, read in zip(head.statistics.variables, found.statistics.variables, strict=True):
        np.testing.assert_allclose(read.numpy(), own.numpy(), rtol=1e-6)
    assert head_beside(tmp_path / "elsewhere" / "model.tflite") is None


def test_the_temperature_of_the_file_counts(head, tmp_path):
    head.write(tmp_path / "head.json")
    stored = json.loads((tmp_path / "head.json").read_text())
    (tmp_path / "head.json").write_text(json.dumps({**stored, "temperature": 2 * stored["temperature"]}))
    (image,) = images(2, 1)
    warm = head_beside(tmp_path / "model.tflite")
    root = np.sqrt(head(image).probabilities)  # twice the temperature halves the logits
    np.testing.assert_allclose(warm(image).probabilities, root / root.sum(), rtol=1e-4)
    assert warm.taught(image[None], ["c"]).temperature == 2 * stored["temperature"]


def test_taught_classes_come_last_and_are_recognized(head):
    new = images(2, 10)
    old_answer = head(new[0])
    taught = head.taught(np.concatenate([new, images(0, 5)]), ["zebra"] * 10 + ["a"] * 5)
    assert taught.labels == ["a", "b", "zebra"]
    np.testing.assert_array_equal(taught.statistics.counts, [25, 20, 10])
    np.testing.assert_allclose(taught.statistics.means[2], new.mean(axis=0), rtol=1e-5)
    for label in range(3):
        answers = [taught(image) for image in images(label)]
        assert np.mean([answer.probabilities.argmax() == label for answer in answers]) == 1.0
        np.testing.assert_allclose([answer.probabilities.sum() for answer in answers], 1.0, rtol=1e-5)
    assert len(old_answer.probabilities) == 2 and not old_answer.known
    assert np.mean([taught(image).known for image in images(2, 100)]) > 0.7
    assert head.labels == ["a", "b"]  # unchanged


def test_nearly_all_images_of_its_classes_are_known_and_nearly_none_of_others(head):
    assert np.mean([head(image).known for image in images(0, 200)]) > 0.85
    assert np.mean([head(image).known for image in images(3, 200)]) < 0.05


def test_a_damaged_file_is_one_line(head, tmp_path):
    path = tmp_path / "head.json"
    head.write(path)
    stored = json.loads(path.read_text())
    for change in (
        {"counts": [1.0]},
        {"means": stored["means"][:-8]},
        {"scatter": stored["means"]},
        {"labels": []},
        {"counts": [0.0, 0.0]},
        {"counts": [20.0, -1.0]},
        {"means": base64.b64encode(np.full(12, np.nan, "<f4").tobytes()).decode()},
        {"scatter": base64.b64encode(np.full(21, -1, "<f4").tobytes()).decode()},
        {"temperature": 0.0},
    ):
        path.write_text(json.dumps({**stored, **change}))
        with pytest.raises(UserError, match="head.json: .*expected a file written by convert.py") as error:
            head_beside(tmp_path / "model.tflite")
        assert "\n" not in str(error.value)
