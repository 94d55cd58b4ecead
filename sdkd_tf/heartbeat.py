"""Signs of life while TensorFlow builds or converts a graph, which takes up to a minute and reports nothing."""

import contextlib
import threading
import time

import tf_keras as keras


@contextlib.contextmanager
def heartbeat(what, every=10.0):
    """Prints `what` at once, and the seconds passed every `every` seconds until the block ends."""
    print(f"{what} ...", flush=True)
    start, done = time.monotonic(), threading.Event()

    def beat():
        while not done.wait(every):
            print(f"{what} ... {time.monotonic() - start:.0f} s", flush=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class FirstStepHeartbeat(keras.callbacks.Callback):
    """A heartbeat from the start of `fit` to the end of its first step, in which the graph is built."""

    def __init__(self, what="building the training graph"):
        super().__init__()
        self._stack, self._what = contextlib.ExitStack(), what

    def on_train_begin(self, logs=None):
        self._stack.enter_context(heartbeat(self._what))

    def on_train_batch_end(self, batch, logs=None):
        self._stack.close()

    def on_train_end(self, logs=None):
        self._stack.close()
