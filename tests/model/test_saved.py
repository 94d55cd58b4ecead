"""A saved network comes back; a file that would run something is refused, and runs nothing."""

import json
import pathlib
import shutil
import sys
import zipfile

import numpy as np
import pytest
import tf_keras as keras
from sdkd_tf.model.saved import load_network

from sdkd_tf.errors import UserError
from sdkd_tf.model.network import build_network
from sdkd_tf.model.vgg16 import build_vgg16

layers = keras.layers


def rewrite(path, change):
    """Writes a `.keras` file anew with another description."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**parts, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)


@pytest.fixture
def dense(tmp_path):
    """A small network's file, and its first layer with weights in a description."""
    image = keras.Input((4,))
    path = tmp_path / "model.keras"
    keras.Model(image, layers.Dense(2)(image)).save(path)
    return path


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A file that hostile models make; the module `hostile` does when it is imported."""
    target = tmp_path / "executed"
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "hostile.py").write_text(f"open({str(target)!r}, 'w').close()\ndef function(x): return x\n")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield target
    sys.modules.pop("hostile", None)


def with_lambda(target):
    def execute(x, target=str(target)):
        __import__("pathlib").Path(target).touch()
        return x

    image = keras.Input((4,))
    model = keras.Model(image, layers.Lambda(execute)(image))
    target.unlink(missing_ok=True)  # building called it
    return model


def refused(path, target, reason):
    with pytest.raises(UserError) as error:
        load_network(path)
    assert str(error.value).startswith(f"model {path}: ") and reason in str(error.value)
    assert "\n" not in str(error.value) and not target.exists()


def test_the_network_comes_back(tmp_path):
    options = {"decoder": "lite", "decoder_initializer": "glorot", "batch_norm": "adapt", "weights": "none"}
    options |= {"pooling": "mass", "detach_map": True}
    network = build_network(3, input_size=64, width=0.35, decoder_channels=4, **options)
    network.save(tmp_path / "model.keras")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    for before, after in zip(network(image), load_network(tmp_path / "model.keras")(image)):
        np.testing.assert_array_equal(before, after)


def test_the_baselines_layers_are_allowed(tmp_path):
    build_vgg16(3, input_size=64).save(tmp_path / "model.keras")
    assert len(load_network(tmp_path / "model.keras").layers) == 23


def test_lambda_in_every_format_is_refused(tmp_path, target):
    model = with_lambda(target)
    model.save(tmp_path / "model.keras")
    refused(tmp_path / "model.keras", target, "holds keras.layers.Lambda")
    model.save(tmp_path / "model.h5")
    shutil.move(tmp_path / "model.h5", tmp_path / "hdf5.keras")
    refused(tmp_path / "hdf5.keras", target, "File is not a zip file")
    model.save(tmp_path / "saved_model", save_format="tf")
    target.unlink(missing_ok=True)  # saving called it
    shutil.move(tmp_path / "saved_model", tmp_path / "directory.keras")
    refused(tmp_path / "directory.keras", target, "no such file")


def test_this_attack_works_on_keras_itself(tmp_path, target):
    with_lambda(target).save(tmp_path / "model.h5")
    shutil.move(tmp_path / "model.h5", tmp_path / "model.keras")
    assert not target.exists()
    keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    assert target.exists()


HOSTILE = {"module": "hostile", "class_name": "function", "config": "function", "registered_name": "function"}
CHANGES = {
    "a module as the model": lambda c: c.update(module="hostile", class_name="X", registered_name=None),
    "a module as a layer": lambda c: c["config"]["layers"][1].update(module="hostile", class_name="X"),
    "a function as activation": lambda c: c["config"]["layers"][1]["config"].update(activation=HOSTILE),
    "the shell": lambda c: c["config"]["layers"][1].update(module="os", class_name="system", config="true"),
    "a layer of Keras that calls others": lambda c: c["config"]["layers"][1].update(class_name="TimeDistributed"),
    "an object of Keras' older description": lambda c: [
        c["config"]["layers"][1].pop(key) for key in ("module", "registered_name")
    ],
    "bytecode": lambda c: c["config"]["layers"][1]["config"].update(
        activation={"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    ),
    "another's registered name": lambda c: c["config"]["layers"][1].update(
        module="hostile", class_name="X", registered_name="sdkd>StopGradient"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_not_this_packages_is_refused(dense, target, change):
    rewrite(dense, change)
    refused(dense, target, "which no network of this package is made of")


def test_sizes_without_end_are_refused_before_they_are_allocated(dense, target):
    rewrite(dense, lambda c: c["config"]["layers"][1]["config"].update(units=9999))
    refused(dense, target, f"describes {4 * 5 * 9999} bytes of weights, holds ")
    rewrite(dense, lambda c: c["config"]["layers"][1]["config"].update(units=10**12))
    refused(dense, target, "holds the number 1000000000000")


def test_another_archive_is_refused(dense, target):
    with zipfile.ZipFile(dense, "a") as archive:
        archive.writestr("assets/../../../x", "")
    refused(dense, target, "instead of config.json, metadata.json, model.weights.h5")
    pathlib.Path(dense).write_bytes(dense.read_bytes()[:-30])
    refused(dense, target, "File is not a zip file")
