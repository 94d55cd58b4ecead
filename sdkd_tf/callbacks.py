"""What happens at the steps and epochs of Keras' `fit`."""

import math

import tf_keras as keras

from sdkd_tf.errors import UserError


class CosineDecay(keras.callbacks.Callback):
    """Lets the learning rate fall along a half cosine, from its start at epoch 0 to 0 after the last.

    Args:
      epochs: of the `fit` that this is given to.
      learning_rate: at the start.
    """

    def __init__(self, epochs, learning_rate):
        super().__init__()
        self._epochs, self._learning_rate = epochs, learning_rate

    def on_epoch_begin(self, epoch, logs=None):
        share = 0.5 * (1.0 + math.cos(math.pi * epoch / self._epochs))
        self.model.optimizer.learning_rate = share * self._learning_rate


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
