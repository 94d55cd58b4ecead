"""One small untrained network as .tflite files, written once for all tests of this folder."""

import numpy as np
import pytest
import tf_keras as keras
from PIL import Image

from sdkd_tf.deploy.conversion import with_uint8_input, write_models
from sdkd_tf.deploy.quantization import deployed_outputs, with_probabilities
from sdkd_tf.model.network import NetworkOptions, build_network


@pytest.fixture(scope="session")
def labels():
    return ["cup", "ball", "tower"]


@pytest.fixture(scope="session")
def network():
    keras.utils.set_random_seed(0)
    return build_network(3, NetworkOptions(input_size=64, decoder_channels=4))


@pytest.fixture(scope="session")
def models(tmp_path_factory, network, labels):
    """A folder with net.tflite, net_classifier.tflite (float, since that converts fast) and labels.txt."""
    directory = tmp_path_factory.mktemp("models")
    complete = with_probabilities(network)
    deployed = with_uint8_input(keras.Model(complete.input, deployed_outputs(complete.outputs)))
    write_models(directory, "net", deployed, labels)
    return directory


@pytest.fixture(scope="session")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 80, 3)).astype(np.uint8)).save(path)
    return path
