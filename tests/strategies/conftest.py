"""A network with maps and a few thousand weights, and runs of it over two small tasks."""

import numpy as np
import pytest
import tf_keras as keras

from sdkd_tf import lifelong
from sdkd_tf.model.network import Outputs

layers = keras.layers


def tiny_network(num_classes, input_size=32):
    image = keras.Input((input_size, input_size, 3))
    features = layers.Conv2D(8, 16, strides=16, activation="relu")(image)
    attention = layers.Conv2D(1, 1)(features)
    detection = layers.Conv2D(1, 1)(features)
    saliency = layers.Activation("sigmoid")(detection)
    pooled = layers.GlobalAveragePooling2D()(layers.Multiply()([features, saliency]))
    return keras.Model(image, list(Outputs(layers.Dense(num_classes)(pooled), saliency, attention, detection)))


@pytest.fixture(scope="session", name="tiny_network")
def tiny_network_fixture():
    return tiny_network


@pytest.fixture(scope="session")
def train(write_sequence, tmp_path_factory):
    """A function (strategy, options) -> (results, final weights) of a run over two tasks."""
    data = write_sequence(tmp_path_factory.mktemp("data"))
    root = tmp_path_factory.mktemp("runs")

    def call(strategy, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(lifelong.ARCHITECTURES, "tiny", tiny_network)
            patch.setattr(lifelong.report, "plot_run", lambda run_dir: None)
            patch.setattr(lifelong, "_gallery", lambda sequence, size: np.zeros((1, size, size, 3), np.uint8))
            run_dir = root / str(len(list(root.iterdir())))
            settings = {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "architecture": "tiny"}
            results = lifelong.run(
                run_dir, data, strategy=strategy, options={"saliency_weight": 1.0, **options}, **settings
            )
            weights = keras.models.load_model(run_dir / "model.keras", compile=False).get_weights()
        return results, np.concatenate([w.ravel() for w in weights])

    return call
