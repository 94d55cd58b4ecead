"""The golden check passes with other kernels than those that wrote it, and fails for ports that feed something else."""

import functools
import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType

from benchmarks.kernels import KERNELS, answers, answers_on_arm64, compared
from sdkd_tf.deploy import golden
from sdkd_tf.deploy.tflite import Classifier, Prediction
from sdkd_tf.errors import UserError


@pytest.mark.parametrize("kernels", [OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF])
def test_other_kernels_pass(converted, monkeypatch, kernels):
    monkeypatch.setattr(golden, "Classifier", functools.partial(Classifier, kernels=kernels))
    labels, probabilities, saliency = golden.verify(converted / "sdkd_int8.tflite", converted / "golden")
    assert labels.endswith(": equal")
    assert 0 < float(saliency.split()[-1]) < 0.25  # it is not the same arithmetic


@pytest.mark.parametrize("processor", ["this", "64-bit Arm"])
def test_answers_differ_by_less_than_the_tolerance(converted, pixels, processor):
    file, images = converted / "sdkd_int8.tflite", pixels[:32]
    expected = answers(file, images, OpResolverType.AUTO)
    if processor == "this":
        others = [answers(file, images, kernels) for kernels in KERNELS.values()]
    else:
        others = [answers_on_arm64(file, images)]
    tolerance = json.loads((converted / "golden" / "expected.json").read_text())["image"]["tolerance"]
    best = np.sort(expected.probabilities, axis=1)
    sure = best[:, -1] - best[:, -2] > 2 * tolerance
    assert len(images) == 32 and sure.sum() >= 8
    for found in others:
        pairs = zip(expected[:2], found[:2], strict=True)
        differences = np.concatenate([np.abs(a - b).ravel() for a, b in pairs])
        assert np.mean(differences <= tolerance) > 0.98
        assert (found.probabilities.argmax(axis=1) == expected.probabilities.argmax(axis=1))[sure].all()


def test_what_is_compared():
    expected = Prediction(np.array([[0.9, 0.1], [0.4, 0.6]]), np.zeros((2, 3, 3)), np.array([[2.0, -8.0], [1, 1]]))
    found = Prediction(np.array([[0.7, 0.3], [0.6, 0.4]]), np.full((2, 3, 3), 0.25), np.array([[2.0, -6.0], [1, 2]]))
    np.testing.assert_allclose(compared(expected, found), [1, 0.2, 0.25, 0.25])


class Port(Classifier):
    """A port with a fault in what it feeds."""

    fault = None

    def __call__(self, image):
        return super().__call__(np.ascontiguousarray(type(self).fault(image)))


FAULTS = {
    "signed bytes": lambda image: image ^ 128,
    "channels first": lambda image: image.transpose(2, 0, 1).reshape(image.shape),
    "mirrored": lambda image: image[:, ::-1],
    "columns first": lambda image: image.transpose(1, 0, 2),
    "BGR": lambda image: image[..., ::-1],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_ports_with_a_fault_fail(converted, monkeypatch, fault):
    port = type("Faulty", (Port,), {"fault": staticmethod(FAULTS[fault])})
    monkeypatch.setattr(golden, "Classifier", port)
    with pytest.raises(UserError, match="predicts|differs by"):
        golden.verify(converted / "sdkd_int8.tflite", converted / "golden")
