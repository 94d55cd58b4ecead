"""Random generators that depend on names, so that results do not depend on the order in which things are rendered."""

import zlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Returns a generator that depends only on the seed and the names."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
