"""Time of a training step with each strategy relative to fine-tuning. The strategies take turns in one process.

python -m benchmarks.step_time --strategies=finetune,sdkd,ewc,gem

The strategies are in the state of the last of 12 tasks of the bundled benchmark: with a teacher, Fisher information,
and images kept from 11 tasks.
"""

import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras as keras
from absl import app, flags
from tqdm import tqdm

from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.model.network import NetworkOptions, build_network
from sdkd_tf.options import make_options
from sdkd_tf.reporting.tables import markdown
from sdkd_tf.strategies import STRATEGIES
from sdkd_tf.strategies.gem import GEM

_EARLIER_TASKS = 11


def define_flags() -> None:
    """Defines the flags; not on import, since two benchmarks may share a flag's name."""
    names = ["finetune", "sdkd", "lwf", "ewc", "agem", "gem", "replay"]
    flags.DEFINE_list("strategies", names, f"Strategies to measure: some of {', '.join(STRATEGIES)}.")
    flags.DEFINE_integer("input_size", 96, "Side of the network's input in pixels.")
    flags.DEFINE_integer("frozen_blocks", 3, "Blocks 1 to this number keep their pretrained weights.")
    flags.DEFINE_integer("batch_size", 16, "Images per batch.", lower_bound=1)
    flags.DEFINE_integer("rounds", 20, "Timed steps per strategy.", lower_bound=1)


def measure(
    names: Sequence[str], options: NetworkOptions, batch_size: int, rounds: int
) -> dict[str, tuple[float, float]]:
    """Times the steps of strategies that take turns.

    Args:
      names: keys of STRATEGIES, including `finetune`.
      options: options of the network.
      batch_size: images per batch.
      rounds: timed steps per strategy.

    Returns:
      Name -> (median, over the rounds, of the ratio of step times to fine-tuning; seconds between two tasks).

    Raises:
      UserError: a strategy is unknown, or `finetune` is missing.
    """
    for name in names:
        if name not in STRATEGIES:
            raise UserError(f"--strategies holds {name!r}; expected some of {', '.join(STRATEGIES)}")
    if "finetune" not in names:
        raise UserError("--strategies lacks finetune; expected it among them, as the reference")
    sequence = load_tasks(DataOptions(max_tasks=1))
    first, second = (
        TaskData(index, sequence.tasks[0].train, options.input_size, batch_size) for index in (0, _EARLIER_TASKS)
    )
    steps, between = {}, {}
    for name in tqdm(names, desc="preparing", unit="strategy"):
        strategy = STRATEGIES[name](build_network(len(sequence.classes), options))
        strategy.compile(keras.optimizers.Adam(1e-4))
        strategy.begin_task(first)
        # Only GEM's steps depend on the number of earlier tasks.
        for _ in range(_EARLIER_TASKS if isinstance(strategy, GEM) else 1):
            start = time.perf_counter()
            strategy.end_task(first)
            strategy.begin_task(second)
            between[name] = time.perf_counter() - start
        batches = iter(strategy.training_batches(second).repeat())
        steps[name] = tf.function(strategy.train_step, autograph=False), batches
        for _ in range(2):
            steps[name][0](next(batches))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in tqdm(range(rounds), desc="measuring", unit="round"):
        for name, (step, batches) in steps.items():
            batch = next(batches)
            start = time.perf_counter()
            step(batch)["loss"].numpy()
            seconds[name].append(time.perf_counter() - start)
    reference = np.array(seconds["finetune"])
    return {name: (float(np.median(np.array(seconds[name]) / reference)), between[name]) for name in names}


def main(argv: list[str]) -> None:
    """Prints the table."""
    with one_line_errors():
        values = flags.FLAGS
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
        sizes = {"input_size": values.input_size, "frozen_blocks": values.frozen_blocks, "detach_map": True}
        options = make_options(NetworkOptions, sizes)  # detached: the bundled benchmark has masks
        found = measure(values.strategies, options, values.batch_size, values.rounds)
        rows = [[name, f"{ratio:.2f}", f"{between:.1f}"] for name, (ratio, between) in found.items()]
        print("\n" + markdown(["strategy", "step time relative to fine-tuning", "between two tasks, s"], rows))


if __name__ == "__main__":
    define_flags()
    app.run(main)
