"""Continues a finished run: a new run starts with its network, its optimizer's moments and what its strategy kept.

If the data of the finished run are still there, its tasks are tested again at the end.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.config import Config
from sdkd_tf.deploy.head import Head, read_head
from sdkd_tf.errors import UserError
from sdkd_tf.evaluation.evaluate import evaluate_tasks, held_out, predictions
from sdkd_tf.evaluation.results import EarlierTask
from sdkd_tf.run import Run
from sdkd_tf.strategies.base import Strategy

_FREE = ("weights", "frozen_blocks", "detach_map")  # options of the network that may change


def hand_over(run: Run, strategy: Strategy, config: Config, classes: Sequence[str]) -> None:
    """Loads the final state of a run into the strategy of a run that continues it.

    Further classes get new units in the FC layer, with the weights that they were initialized with. If the run trained
    other variables (with another `frozen_blocks`, or a strategy with variables besides the network), a message is
    printed and the optimizer's moments start from zero.

    Args:
      run: the finished run.
      strategy: the compiled strategy of the new run.
      config: options of the new run.
      classes: classes of the new run: those of the finished run in their order, and then further ones.

    Raises:
      UserError: the run has another network or strategy, or its files are damaged.
    """
    own = run.config
    free = {name: getattr(own.network, name) for name in _FREE if hasattr(own.network, name)}
    growth = len(run.results.classes), len(classes)
    same = config.architecture == own.architecture and dataclasses.replace(config.network, **free) == own.network
    if not (same and _assign(strategy.student.variables, [v.numpy() for v in run.network().variables], growth)):
        raise UserError(
            f"continue_from {run.directory}: its network differs from the one these options describe;"
            f" expected --flagfile={run.directory}/flags.flags"
        )
    strategy.handed_over(growth[0])
    if not _assign(strategy.optimizer.variables, list(run.arrays("optimizer.npz").values()), growth):
        print(f"{run.directory}: the optimizer's moments do not fit these options; they start from zero")
    kept = strategy.kept_variables
    if kept and not _assign(kept, list(run.arrays("kept.npz").values()), growth):
        raise UserError(
            f"continue_from {run.directory}: does not hold what --strategy={config.strategy} keeps from task to task;"
            " expected a run with the same strategy and options"
        )
    if config.run.taught:
        _take_over(read_head(config.run.taught), strategy, config, len(classes))


def known_classes(config: Config) -> Sequence[str]:
    """The classes that a run already knows before its first task.

    Raises:
      UserError: `taught` has other classes than the run that is continued.
    """
    if not config.run.continue_from:
        return ()
    known = Run(config.run.continue_from).results.classes
    if not config.run.taught:
        return known
    labels = read_head(config.run.taught).labels
    if labels[: len(known)] != known:
        raise UserError(
            f"taught {config.run.taught}: does not begin with the classes of {config.run.continue_from}; expected a head"
            " that was converted from it"
        )
    return labels


def earlier_tasks(run: Run, network: keras.Model) -> tuple[list[EarlierTask], list[str]]:
    """Tests a network that continues a run on the tasks of that run, and on those of the runs that it continues.

    Args:
      run: the finished run.
      network: the network of the new run.

    Returns:
      (the tasks, names of the runs that have changed, whose images have changed, or that are missing), oldest first.
    """
    tested: list[EarlierTask] = []
    untested, lineage = [], run.lineage()
    if beyond := lineage[-1].config.run.continue_from:
        untested.append(pathlib.Path(beyond).name)
    for earlier in reversed(lineage):
        name = earlier.directory.name
        try:
            tasks, last = earlier.tasks(), earlier.results.tasks[-1]
        except UserError as error:
            print(f"tasks of {name} are not tested again: {error}")
            untested.append(name)
            continue
        after = evaluate_tasks(predictions(network, held_out(tasks, network.input_shape[1])), tasks)
        for place, task in enumerate(tasks.tasks):
            then = {split: getattr(last, split).accuracy[place] for split in after}
            now = {split: scores.accuracy[place] for split, scores in after.items()}
            tested.append(EarlierTask(f"{name}/{task.name}", then, now))
    return tested, untested


def _take_over(head: Head, strategy: Strategy, config: Config, classes: int) -> None:
    statistics, values = strategy.statistics, [v.numpy() for v in head.statistics.variables]
    known = statistics.counts.numpy()[: len(head.labels)] if statistics else np.inf
    fits = (head.statistics.counts.numpy() >= known).all()  # teaching only adds images
    if not (statistics and fits and _assign(statistics.variables, values, (len(head.labels), classes))):
        raise UserError(
            f"taught {config.run.taught}: does not fit the network of {config.run.continue_from}; expected a head that was"
            " converted from it, and --fc=closed_form"
        )


def _assign(variables: Sequence[tf.Variable], values: Sequence[np.ndarray], growth: tuple[int, int]) -> bool:
    """Sets variables to values for fewer classes; the rest of a variable stays. Returns whether all of them fit."""

    def fits(variable: tf.Variable, value: np.ndarray) -> bool:
        sides = zip(value.shape, variable.shape)
        return value.ndim == len(variable.shape) and all(old == new or (old, new) == growth for old, new in sides)

    if len(values) != len(variables) or not all(map(fits, variables, values)):
        return False
    for variable, value in zip(variables, values):
        grown = np.copy(variable.numpy())
        grown[tuple(map(slice, value.shape))] = value
        variable.assign(grown)
    return True
