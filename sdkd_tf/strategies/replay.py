"""Experience replay (Chaudhry et al., 2019, "On Tiny Episodic Memories"): a few old images beside the new ones."""

import random

import tensorflow as tf

from sdkd_tf.data.sequence import Example
from sdkd_tf.learner import Learner


class ExperienceReplay(Learner):
    """Keeps a reservoir of images; every batch of new ones is joined by a batch of kept ones."""

    options = ("memory_images",)
    continuable = False  # its images are not in a finished run

    def __init__(self, student, memory_images=200, **learner):
        """Args:
        student: see Learner.
        memory_images: images in the reservoir, of all tasks together.
        **learner: further arguments of Learner.
        """
        super().__init__(student, **learner)
        self.reservoir = Reservoir(memory_images)

    def training_batches(self, examples, make):
        new = super().training_batches(examples, make)
        return beside(new, make(self.reservoir.kept)) if self.reservoir.kept else new

    def end_task(self, examples, make):
        super().end_task(examples, make)
        self.reservoir.offer(examples)

    def state(self):
        kept = [example.to_json() for example in self.reservoir.kept]
        return {**super().state(), "kept": kept, "offered": self.reservoir.offered}

    def restore(self, state, values):
        super().restore(state, values)
        self.reservoir.kept = tuple(map(Example.from_json, state["kept"]))
        self.reservoir.offered = state["offered"]

    @property
    def kept_examples(self):
        return self.reservoir.kept


class Reservoir:
    """A uniform sample of a stream of unknown length (Vitter, 1985, algorithm R)."""

    def __init__(self, size):
        """Args: size: number of items to keep."""
        self.kept, self._size, self.offered = (), size, 0

    def offer(self, items):
        """Takes each of some further items with the probability that all offered so far have."""
        kept = list(self.kept)
        for item in items:
            self.offered += 1
            place = random.randrange(self.offered)
            if len(kept) < self._size:
                kept.append(item)
            elif place < self._size:
                kept[place] = item
        self.kept = tuple(kept)


def beside(new, old):
    """Batches of `new`, each joined by one of `old`."""
    return tf.data.Dataset.zip((new, old)).map(lambda a, b: {name: tf.concat([a[name], b[name]], axis=0) for name in a})
