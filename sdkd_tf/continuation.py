"""A new task for a network that an earlier run has trained: of that run nothing else is needed, no image above all."""

import hashlib
import pathlib

from sdkd_tf.errors import UserError
from sdkd_tf.model.saved import load_network
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


def take_over(student, run_dir, classes, network):
    """Gives a network the weights with which an earlier run ended.

    Args:
      student: a network like that of the earlier run.
      run_dir: the earlier run's directory.
      classes: the names of the classes of the data to train on.
      network: the arguments that `student` was built with, as lifelong.run takes them.

    Raises:
      UserError: `run_dir` holds no finished run, or one of other classes or of another network.
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
    if not same or [w.shape for w in weights] != [w.shape for w in student.get_weights()]:
        raise UserError(
            f"continue_from {run_dir}: its network is another than these flags give; expected --flagfile={run_dir}/flags.flags"
        )
    student.set_weights(weights)
