"""Random generators named by what they draw, so that no result depends on the order of the work."""

import zlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Returns a generator that depends on the seed and the names alone."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
