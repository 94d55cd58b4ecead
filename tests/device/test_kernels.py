"""The golden check passes with other kernels than those that wrote it, and fails for ports that feed something else."""

import functools

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType

from sdkd_tf.deploy import golden
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError


@pytest.mark.parametrize("kernels", [OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, OpResolverType.BUILTIN_REF])
def test_other_kernels_pass(converted, monkeypatch, kernels):
    monkeypatch.setattr(golden, "Classifier", functools.partial(Classifier, kernels=kernels))
    labels, probabilities, saliency = golden.verify(converted / "sdkd_int8.tflite", converted / "golden")
    assert labels.endswith(": equal")
    assert 0 < float(saliency.split()[-1]) < 0.25  # it is not the same arithmetic


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
    with pytest.raises(UserError, match="answers|differs by"):
        golden.verify(converted / "sdkd_int8.tflite", converted / "golden")
