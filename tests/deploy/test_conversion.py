"""A float file computes what its network computes."""

import numpy as np
import scipy.special

from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.deploy.conversion import _working_directory
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.model.network import Outputs


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
