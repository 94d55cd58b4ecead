"""A run and a converted file answer alike, and what was taught counts."""

import numpy as np
import pytest

from sdkd_tf.deploy import recognizer
from sdkd_tf.deploy.head import Head
from sdkd_tf.deploy.recognizer import Recognizer
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.errors import UserError
from sdkd_tf.strategies.discriminant import ClassStatistics


class FakeClassifier:
    """The embedding of an image is its mean color, and the probabilities are always the same."""

    num_classes, input_size, embedding_size = 2, 8, 3

    def __init__(self, *_):
        pass

    def __call__(self, image):
        return Prediction(np.array([0.25, 0.75]), np.full((2, 2), 0.5), image.mean(axis=(0, 1)).astype(np.float32))


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(recognizer, "Classifier", FakeClassifier)
    (tmp_path / "labels.txt").write_text("dark\nlight\n")
    return tmp_path / "m.tflite"


def image(color):
    return np.full((8, 8, 3), color, np.uint8)


def test_without_a_head_the_file_decides(model):
    recognize = Recognizer(model)
    (answer,) = recognize(image(0)[None])
    assert (
        recognize.labels == ["dark", "light"]
        and recognize.best(answer, 1) == (["light"], [0.75])
        and answer.known is None
    )
    np.testing.assert_array_equal(answer.saliency, np.full((2, 2), 0.5))


def test_a_taught_head_decides(model):
    colors = np.array([[0.0, 0, 0], [9, 0, 9], [240, 250, 240], [255, 245, 255], [200, 0, 5], [220, 5, 0]])
    statistics = ClassStatistics(3, 3)
    statistics.add(colors, np.array([0, 0, 1, 1, 2, 2]))
    Head(["dark", "light", "red"], statistics).write(model.with_name("head.json"))
    recognize = Recognizer(model)
    answers = recognize(np.stack([image(5), image([210, 2, 2])]))
    assert [recognize.best(answer, 1)[0] for answer in answers] == [["dark"], ["red"]]
    assert recognize.labels == ["dark", "light", "red"]


def test_a_head_for_other_embeddings_is_refused(model, monkeypatch):
    statistics = ClassStatistics(2, 4)
    statistics.add(np.eye(4), np.array([0, 0, 1, 1]))
    Head(["x", "y"], statistics).write(model.with_name("head.json"))
    with pytest.raises(
        UserError, match="the head.json beside it is for embeddings of length 4, not 3; expected the one"
    ):
        Recognizer(model)
    monkeypatch.setattr(FakeClassifier, "embedding_size", 0)  # a file without embeddings has no head
    assert Recognizer(model).labels == ["dark", "light"]
