"""The seeds of a run."""

import random

import numpy as np


def seed_of(seed: int, task: int, part: int | str) -> int:
    """The seed for a part of a task, in [0, 2^31). A part is `begin`, the index of an epoch, or `end`.

    It depends only on the run's seed, the task and the part, so a resumed run draws the same numbers.
    """
    place = {"begin": 0, "end": 1}[part] if isinstance(part, str) else part + 2
    return int(np.random.SeedSequence([seed, task, place]).generate_state(1)[0] >> 1)


def seed_all(seed: int, task: int, part: int | str) -> None:
    """Seeds Python and NumPy with `seed_of`.

    TensorFlow is not seeded: a new global seed would make it prepare every graph again. Its random operations get their
    seeds from `random`.
    """
    number = seed_of(seed, task, part)
    random.seed(number)
    np.random.seed(number)
