"""Weights come back from plain arrays; what does not fit is one line and changes nothing."""

import numpy as np
import pytest
import tf_keras as keras

from sdkd_tf.errors import UserError
from sdkd_tf.files import read_npz
from sdkd_tf.model.network import NetworkOptions, build_network
from sdkd_tf.model.weights import load_weights, save_weights

layers = keras.layers


@pytest.fixture
def dense():
    image = keras.Input((4,))
    return keras.Model(image, layers.Dense(2, name="second")(layers.Dense(3, name="first")(image)))


def test_the_network_comes_back(tmp_path):
    options = NetworkOptions(input_size=64, decoder="lite", weights="none", width=0.35, decoder_channels=4)
    network = build_network(3, options)
    save_weights(network, tmp_path / "weights.npz")
    other = build_network(3, options)
    load_weights(other, tmp_path / "weights.npz")
    for before, after in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    for before, after in zip(network(image), other(image)):
        np.testing.assert_array_equal(before, after)


def test_arrays_are_named_by_layer_and_weight(dense, tmp_path):
    save_weights(dense, tmp_path / "weights.npz")
    arrays = read_npz(tmp_path / "weights.npz")
    assert {name: array.shape for name, array in arrays.items()} == {
        "first/kernel": (4, 3), "first/bias": (3,), "second/kernel": (3, 2), "second/bias": (2,)
    }  # fmt: skip
    np.testing.assert_array_equal(arrays["second/kernel"], dense.get_layer("second").kernel)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a.pop("second/bias"), r"expected second/bias of shape \(2,\), found nothing"),
        (
            lambda a: a.update({"second/kernel": np.zeros((2, 3), np.float32)}),
            r"expected second/kernel of shape \(3, 2\), found \(2, 3\)",
        ),
        (
            lambda a: a.update({"second/bias": np.zeros(2, np.int32)}),
            "second/bias holds int32; expected floating point",
        ),
    ],
)
def test_what_does_not_fit_changes_nothing(dense, tmp_path, change, message):
    save_weights(dense, tmp_path / "weights.npz")
    arrays = {name: array + 1 for name, array in read_npz(tmp_path / "weights.npz").items()}
    change(arrays)
    np.savez(tmp_path / "weights.npz", **arrays)
    before = dense.get_weights()
    with pytest.raises(UserError, match=message):
        load_weights(dense, tmp_path / "weights.npz")
    for old, new in zip(before, dense.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_file_that_is_missing_or_damaged(dense, tmp_path):
    with pytest.raises(UserError, match="weights.npz: no such file"):
        load_weights(dense, tmp_path / "weights.npz")
    (tmp_path / "weights.npz").write_bytes(b"damaged")
    with pytest.raises(
        UserError, match="weights.npz: cannot be read as .npz .*; expected arrays named <layer>/<weight>"
    ):
        load_weights(dense, tmp_path / "weights.npz")
