"""The float network of a run labels as the network itself does."""

import numpy as np
import pytest
import tf_keras as keras

from sdkd_tf.config import make_config
from sdkd_tf.deploy.float_classifier import FloatClassifier
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.results import Results, Scores, TaskResult
from sdkd_tf.files import write_json
from sdkd_tf.model.network import Outputs
from sdkd_tf.model.weights import save_weights


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, network, labels):
    directory, scores = tmp_path_factory.mktemp("run"), Scores([0.5], [None])
    write_json(directory / "config.json", make_config(input_size=64, decoder_channels=4))
    task = TaskResult("task1", validation=scores, test=scores)
    write_json(directory / "results.json", Results(labels, "f", {}, 7, None, [task]))
    save_weights(network, directory / "weights.npz")
    return directory


def test_probabilities_and_map_are_those_of_the_network(run_dir, network, labels):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    classifier = FloatClassifier(run_dir)
    assert classifier.labels == labels and classifier.input_size == 64
    (found,) = classifier(image[None])
    expected = Outputs(*network(image[None] / np.float32(127.5) - 1, training=False))
    np.testing.assert_allclose(found.probabilities, keras.activations.softmax(expected.logits)[0], atol=1e-5)
    np.testing.assert_allclose(found.saliency, expected.saliency[0, :, :, 0], atol=1e-5)
    assert found.saliency.shape == (4, 4)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match=f"^{tmp_path}/results.json: no such file; expected the directory of a finish"):
        FloatClassifier(tmp_path)
