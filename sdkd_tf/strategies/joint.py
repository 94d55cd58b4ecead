"""Joint training: the images of all tasks so far are drawn from; no strategy, but the ceiling for all of them."""

from sdkd_tf.learner import Learner


class Joint(Learner):
    """Keeps every image. A task takes as many steps as with any other strategy."""

    def __init__(self, student, **learner):
        super().__init__(student, **learner)
        self._seen = ()  # a tuple, which Keras does not wrap

    def training_batches(self, examples, make):
        return make([*self._seen, *examples])

    def end_task(self, examples, make):
        self._seen += tuple(examples)

    @property
    def kept_examples(self):
        return self._seen
