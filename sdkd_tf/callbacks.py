"""Keras callbacks for training, and a heartbeat that reports progress while TensorFlow builds a graph."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.errors import UserError

_TIMED_STEPS = 12
_REMEDY = "lower --learning_rate, or check the images"


class Schedule(keras.callbacks.Callback):
    """Cosine decay: the learning rate of an epoch is on a half cosine that would reach 0 after the last one.

    Args:
      epochs: number of epochs of the call to `fit`.
      learning_rate: initial learning rate.
    """

    def __init__(self, epochs: int, learning_rate: float):
        super().__init__()
        self._epochs, self._learning_rate = epochs, learning_rate

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        share = 0.5 * (1.0 + math.cos(math.pi * epoch / self._epochs))
        self.model.optimizer.learning_rate = share * self._learning_rate


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops training at the first loss or loss term that is not finite, or after an epoch with such a weight.

    Args:
      task: name of the task, for the message.

    Raises:
      UserError: a value is not finite; the message names the task, epoch, step and term, or the weight.
    """

    def __init__(self, task: str):
        super().__init__()
        self._task, self._epoch = task, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # The loss is checked last: it is the sum of its terms, and the term is more informative.
        for name in sorted(logs, key=lambda name: name == "loss"):
            if not math.isfinite(logs[name]):
                where = f"task {self._task}, epoch {self._epoch + 1}, step {batch + 1}"
                raise UserError(f"{where}: {name} is {logs[name]}; {_REMEDY}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Checks the weights: the loss of the last step was computed before its update."""
        for variable in self.model.trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable)):
                raise UserError(f"task {self._task}, epoch {epoch + 1}: {variable.name} is not finite; {_REMEDY}")


class FirstStepHeartbeat(keras.callbacks.Callback):
    """Runs `heartbeat` from the start of `fit` to the end of its first step, while the graph is built."""

    def __init__(self, what: str = "building the training graph"):
        super().__init__()
        self._stack, self._what = contextlib.ExitStack(), what

    def on_train_begin(self, logs: Any = None) -> None:
        self._stack.enter_context(heartbeat(self._what))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._stack.close()


class TimeEstimate(keras.callbacks.Callback):
    """Prints how long training will take, from the median time of the first steps.

    Args:
      steps: number of steps that are left in all tasks. The time between tasks is not included.
    """

    def __init__(self, steps: int):
        super().__init__()
        self._steps = steps
        self._times: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if len(self._times) < _TIMED_STEPS:
            self._times.append(time.monotonic())
            if len(self._times) == _TIMED_STEPS:
                seconds = np.median(np.diff(self._times)) * (self._steps - _TIMED_STEPS)
                minutes = max(1, round(seconds / 60))
                print(f"\nabout {minutes} min of training left; a smaller --input_size or --epochs shortens it")


@contextlib.contextmanager
def heartbeat(what: str, every: float = 10.0) -> Iterator[None]:
    """Prints `what` immediately, and again with the elapsed time every `every` seconds until the block ends."""
    print(f"{what} ...", flush=True)
    start = time.monotonic()
    with repeated(lambda: print(f"{what} ... {time.monotonic() - start:.0f} s", flush=True), every):
        yield


@contextlib.contextmanager
def repeated(action: Callable[[], Any], every: float) -> Iterator[None]:
    """Calls a function every `every` seconds, in a thread, while the block runs."""
    done = threading.Event()

    def call() -> None:
        while not done.wait(every):
            action()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
