"""Reads a saved network from anywhere, without running what a stranger put into it.

Keras' `safe_mode` alone is not enough: it imports whatever module a `.keras` file names, and does not look at HDF5 files and
SavedModels at all, which may hold Python bytecode. Here the file must be the archive that `Model.save` writes, and every object
it describes one of those that this package's networks are made of.
"""

import json
import zipfile

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.errors import UserError
from sdkd_tf.heartbeat import heartbeat
from sdkd_tf.model import holistic_attention, inverse_square_root, network, partial_decoder, refinement  # noqa: F401

_PARTS = {"metadata.json", "config.json", "model.weights.h5"}
_LAYERS = (
    "Activation Add BatchNormalization Concatenate Conv2D Dense DepthwiseConv2D Flatten GlobalAveragePooling2D"
    " GlobalMaxPooling2D InputLayer MaxPooling2D Maximum Multiply ReLU Subtract UpSampling2D ZeroPadding2D"
)
_ALLOWED = {
    ("tf_keras.src.engine.functional", "Functional", "Functional"),
    *(("keras.layers", name, None) for name in _LAYERS.split()),
    *(("keras.initializers", name, None) for name in ("GlorotUniform", "RandomNormal", "Ones", "Zeros")),
}
_LARGEST = 10_000  # of any number in a description, such as channels and pixels
_MAX_BYTES = 1 << 30  # of a part when it is unpacked


def load_network(path):
    """Loads a network saved by train.py.

    Args:
      path: a pathlib.Path, a `.keras` file.

    Returns:
      A keras.Model, not compiled.

    Raises:
      UserError: there is no such file, it holds anything else than such a network, or is damaged.
    """
    if not path.is_file():
        raise UserError(f"model {path}: no such file; expected the directory of a finished run of train.py")
    try:
        with heartbeat(f"loading {path}"):
            _check_archive(path)
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises all sorts, as it happens
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"model {path}: cannot be loaded ({reason}); expected one saved by train.py") from error


def _check_archive(path):
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: part.file_size for part in archive.infolist()}
        if set(parts) != _PARTS or len(archive.infolist()) != len(_PARTS):
            raise ValueError(f"holds {', '.join(sorted(parts))} instead of {', '.join(sorted(_PARTS))}")
        if max(parts.values()) > _MAX_BYTES:
            raise ValueError("is too large unpacked")
        config = json.loads(archive.read("config.json"))
        _check(config)
        _check_order(config["config"]["layers"])
        # In a graph of its own variables take no memory, so their size is known before any is made.
        with tf.Graph().as_default():
            size = 4 * keras.saving.deserialize_keras_object(config, safe_mode=True).count_params()
        if size > parts["model.weights.h5"]:
            raise ValueError(f"describes {size} bytes of weights, holds {parts['model.weights.h5']}")


def _check(part):
    """Raises ValueError if the description or a part of it is of something that is not allowed."""
    if isinstance(part, dict):
        if {"class_name", "module", "registered_name"} & set(part):
            kind = part.get("module"), part.get("class_name"), part.get("registered_name")
            if not (_is_own(*kind) or kind in _ALLOWED):
                raise ValueError(f"holds {kind[0]}.{kind[1]}, which no network of this package is made of")
        for value in part.values():
            _check(value)
    elif isinstance(part, list):
        for value in part:
            _check(value)
    elif isinstance(part, (int, float)) and not -_LARGEST <= part <= _LARGEST:
        raise ValueError(f"holds the number {part}")


def _check_order(layers):
    """Raises ValueError unless every layer comes behind those that it is applied to: Keras waits forever for one that never comes."""
    known = set()
    for layer in layers:
        sources = [source for node in layer["inbound_nodes"] for source in node]
        if bool(sources) == (layer["class_name"] == "InputLayer") or len(layer["inbound_nodes"]) > 1:
            raise ValueError(f"layer {layer['name']} is not applied once")
        for name, *rest in sources:
            if name not in known or rest != [0, 0, {}]:
                raise ValueError(f"layer {layer['name']} is applied to what is not there")
        if layer["name"] in known:
            raise ValueError(f"two layers are called {layer['name']}")
        known.add(layer["name"])


def _is_own(module, name, registered):
    """Whether a layer or an initializer is one that this package registered."""
    own = keras.saving.get_registered_object(registered) if str(registered).startswith("sdkd>") else None
    return own is not None and (own.__module__, own.__name__) == (module, name)
