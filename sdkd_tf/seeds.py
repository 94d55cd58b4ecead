"""Seeds of what is random in a run. They depend on the run's seed, the task and its part alone: a killed run goes on as it would have."""

import random

import numpy as np


def seed_of(seed, task, part):
    """A number below 2^31 for what is random in a part of a task: `begin`, an epoch, or `end`."""
    part = {"begin": 0, "end": 1}[part] if isinstance(part, str) else part + 2
    return int(np.random.SeedSequence([seed, task, part]).generate_state(1)[0] >> 1)


def seed_all(seed, task, part):
    """Seeds Python and NumPy with `seed_of`.

    Not TensorFlow: a new global seed would make it prepare every graph anew. What draws there has seeds from `random`.
    """
    number = seed_of(seed, task, part)
    random.seed(number)
    np.random.seed(number)
