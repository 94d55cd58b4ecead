"""What happens at the steps and epochs of Keras' `fit`."""

import math

import tf_keras as keras

from sdkd_tf.errors import UserError

# The share of the learning rate at its start that is left in an epoch: a half cosine, which ends at 0 after the last one, or
# a loss of 2 % an epoch, as in other entries of the challenge.
SCHEDULES = {
    "cosine": lambda epoch, epochs: 0.5 * (1.0 + math.cos(math.pi * epoch / epochs)),
    "exponential": lambda epoch, epochs: 0.98**epoch,
}


class Schedule(keras.callbacks.Callback):
    """Lowers the learning rate from epoch to epoch.

    Args:
      epochs: of the `fit` that this is given to.
      learning_rate: at the start.
      schedule: a key of `SCHEDULES`.
    """

    def __init__(self, epochs, learning_rate, schedule="cosine"):
        super().__init__()
        self._epochs, self._learning_rate, self._share = epochs, learning_rate, SCHEDULES[schedule]

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self._share(epoch, self._epochs) * self._learning_rate


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops the program at the first step after which a mean of the loss or of one of its terms is not finite.

    Args:
      task: its name, for the message.

    Raises:
      UserError: names task, epoch, step and term.
    """

    def __init__(self, task):
        super().__init__()
        self._task, self._epoch = task, 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # The loss is the sum of the others: the term that went bad is named rather than the sum.
        for name in sorted(logs, key=lambda name: name == "loss"):
            if not math.isfinite(logs[name]):
                where = f"task {self._task}, epoch {self._epoch + 1}, step {batch + 1}"
                raise UserError(f"{where}: {name} is {logs[name]}; lower --learning_rate, or look at the images")
