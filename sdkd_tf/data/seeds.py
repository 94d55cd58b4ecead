"""Seeds of what is random in a run."""

import random

import numpy as np


def seed_of(seed: int, task: int, part: int | str) -> int:
    """A number below 2^31 that seeds a part of a task: `begin`, an epoch, or `end`.

    It depends on the run's seed, the task and the part alone, so that a resumed run draws what it would have drawn.
    """
    place = {"begin": 0, "end": 1}[part] if isinstance(part, str) else part + 2
    return int(np.random.SeedSequence([seed, task, place]).generate_state(1)[0] >> 1)


def seed_all(seed: int, task: int, part: int | str) -> None:
    """Seeds Python and NumPy with `seed_of`.

    Not TensorFlow: a new global seed would make it prepare every graph again. What draws there has seeds from `random`.
    """
    number = seed_of(seed, task, part)
    random.seed(number)
    np.random.seed(number)
