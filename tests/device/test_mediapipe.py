"""MediaPipe's ImageClassifier, which Android apps use, reads the classifier file and agrees with LiteRT."""

import mediapipe
import numpy as np
import pytest
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions

from sdkd_tf.deploy.tflite import Classifier


@pytest.fixture(scope="module")
def classified(converted, pixels):
    """MediaPipe's (label, score) pairs of each image, best first."""
    options = BaseOptions(model_asset_path=str(converted / "sdkd_int8_classifier.tflite"))
    with ImageClassifier.create_from_options(ImageClassifierOptions(base_options=options)) as classifier:
        results = [
            classifier.classify(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image))
            for image in pixels
        ]
    return [[(c.category_name, c.score) for c in r.classifications[0].categories] for r in results]


@pytest.fixture(scope="module")
def expected(converted, pixels):
    litert = Classifier(converted / "sdkd_int8_classifier.tflite")
    return np.array([litert(image).probabilities for image in pixels])


def test_labels_come_from_the_file(classified, labels):
    assert {label for label, _ in classified[0]} == set(labels)


# MediaPipe has its own build of XNNPACK, which rounds otherwise; a mix-up of labels or pixels differs by far more.
TOLERANCE = 16 / 256


def test_same_best_label_as_litert(classified, expected, labels):
    *_, second, first = np.sort(expected, axis=1).T
    certain = np.flatnonzero(first - second > 2 * TOLERANCE)
    best = [labels[i] for i in expected[certain].argmax(axis=1)]
    assert len(set(best)) == 3 and len(best) > 30  # or any constant answer would do
    assert [classified[i][0][0] for i in certain] == best


def test_same_probabilities_as_litert(classified, expected, labels):
    found = [[dict(categories)[label] for label in labels] for categories in classified]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
