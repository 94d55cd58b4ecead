"""What a training step costs with each strategy, against fine-tuning's, measured alternately in one process.

python -m sdkd_tf.strategies.step_cost --strategies=finetune,sdkd,ewc,gem

The strategies are as they are in the last of 12 tasks: with a teacher, springs, and kept images of 11 tasks.
"""

import time

import numpy as np
import tensorflow as tf
import tf_keras as keras
from absl import app, flags
from tqdm import tqdm

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import load_sequence
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.model.network import build_network
from sdkd_tf.strategies import STRATEGIES
from sdkd_tf.strategies.gem import GEM

FLAGS = flags.FLAGS

flags.DEFINE_list("strategies", ["finetune", "sdkd", "lwf", "ewc", "agem", "gem", "replay"], "Keys of STRATEGIES.")
flags.DEFINE_integer("input_size", 96, "Side of the network's input in pixels.")
flags.DEFINE_integer("frozen_blocks", 0, "How many of blocks 1 to 5 keep their pretrained weights.")
flags.DEFINE_integer("batch_size", 16, "Images a step.", lower_bound=1)
flags.DEFINE_integer("rounds", 20, "Steps of each strategy.", lower_bound=1)

_EARLIER_TASKS = 11


def measure(names, input_size, frozen_blocks, batch_size, rounds):
    """Times steps of each strategy in turn.

    Args:
      names: keys of STRATEGIES, `finetune` among them.
      input_size: side of the network's input in pixels.
      frozen_blocks: see `network.build_network`.
      batch_size: images a step.
      rounds: steps of each.

    Returns:
      A dict, name -> (median, over the rounds, of the step's time over fine-tuning's in that round; seconds between tasks).

    Raises:
      UserError: an unknown strategy, or no fine-tuning to compare with.
    """
    for name in names:
        if name not in STRATEGIES:
            raise UserError(f"--strategies holds {name!r}; expected some of {', '.join(STRATEGIES)}")
    if "finetune" not in names:
        raise UserError("--strategies lacks finetune, to which the others are compared")
    sequence = load_sequence("rendered", max_tasks=1)
    examples = sequence.tasks[0].train

    def plain(some, size=batch_size):
        return make_dataset(some, input_size, size)

    def augmented(some):
        return make_dataset(some, input_size, batch_size, seed=0, batches=rounds + 2)

    steps, between = {}, {}
    for name in tqdm(names, desc="preparing", unit="strategy"):
        network = build_network(len(sequence.classes), input_size, frozen_blocks=frozen_blocks)
        learner = STRATEGIES[name](network, saliency_weight=1.0)
        learner.compile(keras.optimizers.Adam(1e-4))
        learner.begin_task(0, plain(examples))
        # GEM's steps are the only ones that grow with the number of tasks.
        for _ in range(_EARLIER_TASKS if isinstance(learner, GEM) else 1):
            start = time.perf_counter()
            learner.end_task(examples, plain)
            learner.begin_task(1, plain(examples))
            between[name] = time.perf_counter() - start
        batches = iter(learner.training_batches(examples, augmented))
        steps[name] = tf.function(learner.train_step, autograph=False), batches
        for _ in range(2):
            steps[name][0](next(batches))
    seconds = {name: [] for name in names}
    for _ in tqdm(range(rounds), desc="measuring", unit="round"):
        for name, (step, batches) in steps.items():
            batch = next(batches)
            start = time.perf_counter()
            step(batch)["loss"].numpy()
            seconds[name].append(time.perf_counter() - start)
    reference = np.array(seconds["finetune"])
    return {name: (float(np.median(np.array(seconds[name]) / reference)), between[name]) for name in names}


def main(argv):
    with one_line_errors():
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
        found = measure(FLAGS.strategies, FLAGS.input_size, FLAGS.frozen_blocks, FLAGS.batch_size, FLAGS.rounds)
        print("\n| strategy | step, against fine-tuning's | between two tasks, s |\n|---|---|---|")
        for name, (ratio, between) in found.items():
            print(f"| {name} | {ratio:.2f} | {between:.1f} |")


if __name__ == "__main__":
    app.run(main)
