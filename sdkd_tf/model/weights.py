"""Saves and loads the weights of a network as plain arrays `<layer>/<weight>` in an .npz file."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_npz, write_npz


def save_weights(network: keras.Model, path: PathLike) -> None:
    """Writes the weights of a network without nested models, atomically."""
    write_npz(path, **{_key(variable): variable.numpy() for layer in network.layers for variable in layer.weights})


def load_weights(network: keras.Model, path: PathLike, layers: Sequence[keras.layers.Layer] | None = None) -> None:
    """Sets the weights of a network without nested models.

    Args:
      network: changed in place. If an error is raised, it is unchanged.
      path: a file in the format of `save_weights`. Arrays for other layers are ignored.
      layers: the layers to set; None for all.

    Raises:
      UserError: the file is missing or damaged, or an array is missing or has a wrong shape or type.
    """
    if not pathlib.Path(path).is_file():
        raise UserError(f"weights file {path}: no such file; expected an .npz file")
    try:
        arrays = read_npz(path)
    except ValueError as error:
        raise UserError(f"weights file {path}: {error}; expected arrays named <layer>/<weight>") from error
    chosen = network.layers if layers is None else layers
    for layer in chosen:
        for variable in layer.weights:
            key, shape = _key(variable), tuple(variable.shape)
            found = arrays[key].shape if key in arrays else "nothing"
            if found != shape:
                raise UserError(f"weights file {path}: expected {key} of shape {shape}, found {found}")
            if arrays[key].dtype.kind != "f":
                raise UserError(f"weights file {path}: {key} holds {arrays[key].dtype}; expected floating point")
    for layer in chosen:
        layer.set_weights([arrays[_key(variable)] for variable in layer.weights])


def _key(variable: tf.Variable) -> str:
    return variable.name.removesuffix(":0")
