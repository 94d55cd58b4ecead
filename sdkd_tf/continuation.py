"""A new task for a network that an earlier run has trained: of that run nothing else is needed, no image above all."""

import hashlib
import pathlib

import numpy as np

from sdkd_tf.atomic import atomic_file
from sdkd_tf.errors import UserError
from sdkd_tf.model.saved import load_network
from sdkd_tf.npz import read_npz
from sdkd_tf.report import load_results

_FREE = ("weights", "frozen_blocks")  # what of a network's description may differ from the earlier run's


def model_digest(run_dir):
    """The SHA-256 of a finished run's network. Raises UserError if there is none."""
    path = pathlib.Path(run_dir) / "model.keras"
    if not path.is_file():
        raise UserError(
            f"continue_from {run_dir}: holds no model.keras; expected the directory of a finished run of train.py"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_optimizer(optimizer, run_dir):
    """Writes the optimizer's moments to `run_dir`, without which its first steps would shake every weight."""
    with atomic_file(pathlib.Path(run_dir) / "optimizer.npz") as file:
        np.savez(file, *[variable.numpy() for variable in optimizer.variables])


def take_over(learner, run_dir, classes, network):
    """Gives a learner the network and the optimizer's moments with which an earlier run ended.

    The moments stay as they are, and a line says so, where the earlier run had another optimizer, or a strategy that trains other
    variables beside the network.

    Args:
      learner: a Learner, compiled, whose network is like that of the earlier run.
      run_dir: the earlier run's directory.
      classes: the names of the classes of the data to train on.
      network: the arguments that the network was built with, as lifelong.run takes them.

    Raises:
      UserError: `run_dir` holds no finished run, one of other classes or of another network, or a damaged one.
    """
    earlier = load_results(run_dir, {"classes": [str], "network": dict})
    if earlier["classes"] != list(classes):
        differing = ", ".join(sorted({*classes} ^ {*earlier["classes"]})) or "in another order"
        raise UserError(
            f"continue_from {run_dir}: was trained on other classes than the data has ({differing}); expected the same"
        )
    weights = load_network(pathlib.Path(run_dir) / "model.keras").get_weights()
    same = {name: value for name, value in earlier["network"].items() if name not in _FREE} == {
        name: value for name, value in network.items() if name not in _FREE
    }
    if not same or [w.shape for w in weights] != [w.shape for w in learner.student.get_weights()]:
        raise UserError(
            f"continue_from {run_dir}: its network is another than these flags give; expected --flagfile={run_dir}/flags.flags"
        )
    learner.student.set_weights(weights)
    path = pathlib.Path(run_dir) / "optimizer.npz"
    try:
        moments = list(read_npz(path).values()) if path.is_file() else []
    except ValueError as error:
        raise UserError(f"{path}: {error}; expected one written by train.py") from error
    variables = learner.optimizer.variables
    if [m.shape for m in moments] == [tuple(v.shape) for v in variables]:
        for variable, value in zip(variables, moments):
            variable.assign(value)
    else:
        print(f"{run_dir}: its optimizer's moments do not fit these flags; they start anew")
