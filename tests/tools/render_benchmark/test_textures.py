import numpy as np
import pytest

from tools.render_benchmark import textures


@pytest.mark.parametrize("pattern", sorted({*textures.TABLE_PATTERNS, *textures.WALL_PATTERNS}, key=str))
def test_patterns_are_weights(pattern):
    weight = pattern(np.random.default_rng(0))
    assert weight.shape == (textures.SIDE, textures.SIDE)
    assert weight.min() >= 0 and weight.max() <= 1


def test_noise_tiles():
    noise = textures.smooth_noise(np.random.default_rng(0), (4, 4))
    inside = np.abs(np.diff(noise, axis=1)).max()
    assert np.abs(noise[:, 0] - noise[:, -1]).max() <= inside + 1e-9


def test_same_generator_same_texture():
    first, second, other = (textures.draw(np.random.default_rng(seed), textures.WALL_PATTERNS) for seed in (1, 1, 2))
    assert first.dtype == np.uint8 and first.shape == (textures.SIDE, textures.SIDE, 3)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
