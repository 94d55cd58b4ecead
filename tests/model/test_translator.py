"""Paraphraser and translator against NumPy."""

import numpy as np
import pytest

from sdkd_tf.model.translator import FACTOR_WIDTH, build_paraphraser, build_translator
from tests.reference import layers as reference

SIZE, M = 6, FACTOR_WIDTH
LAYERS = {f"conv{i}": f"encode{i}" for i in (1, 2, 3)} | {f"deconv{i}": f"decode{i}" for i in (1, 2, 3)}


@pytest.fixture(scope="module")
def maps():
    return np.random.default_rng(0).uniform(size=(2, SIZE, SIZE, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def weights():
    return reference.random_weights(np.random.default_rng(1), reference.autoencoder_shapes(M))


def port(weights, model):
    for theirs, ours in LAYERS.items():
        if ours in {layer.name for layer in model.layers}:
            model.get_layer(ours).set_weights(reference.to_keras(*weights[theirs]))


def test_translator_equals_numpy(maps, weights):
    translator = build_translator(SIZE)
    port(weights, translator)
    expected = np.array([reference.encode(image, weights) for image in maps])
    assert 0.1 < np.mean(expected < 0) < 0.9  # both slopes of the LeakyReLU are in use
    np.testing.assert_allclose(translator(maps), expected, rtol=1e-5, atol=1e-5)


def test_paraphraser_equals_numpy(maps, weights):
    autoencoder, encoder = build_paraphraser(SIZE)
    port(weights, autoencoder)
    factors = [reference.encode(image, weights) for image in maps]
    np.testing.assert_allclose(encoder(maps), factors, rtol=1e-5, atol=1e-5)  # the encoder shares the weights just set
    expected = [reference.decode(factor, weights) for factor in factors]
    np.testing.assert_allclose(autoencoder(maps), expected, rtol=1e-5, atol=1e-5)


def test_translator_takes_the_encoders_weights(maps):
    _, encoder = build_paraphraser(SIZE)
    translator = build_translator(SIZE)
    translator.set_weights(encoder.get_weights())
    np.testing.assert_array_equal(translator(maps), encoder(maps))
