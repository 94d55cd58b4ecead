"""Joint training: the images of all tasks so far are drawn from; no strategy, but the ceiling for all of them."""

from sdkd_tf.data.sequence import Example
from sdkd_tf.learner import Learner


class Joint(Learner):
    """Keeps every image. A task takes as many steps as with any other strategy."""

    continuable = False  # its images are not in a finished run

    def __init__(self, student, **learner):
        super().__init__(student, **learner)
        self._seen = ()  # a tuple, which Keras does not wrap

    def training_batches(self, examples, make):
        return make([*self._seen, *examples])

    def end_task(self, examples, make):
        self._seen += tuple(examples)

    def state(self):
        return {**super().state(), "seen": [example.to_json() for example in self._seen]}

    def restore(self, state, values):
        super().restore(state, values)
        self._seen = tuple(map(Example.from_json, state["seen"]))

    @property
    def kept_examples(self):
        return self._seen
