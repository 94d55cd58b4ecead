"""Procedural, tileable textures of tables and walls."""

import colorsys

import numpy as np

SIDE = 256  # pixels


def smooth_noise(rng: np.random.Generator, cells: tuple[int, int], side: int = SIDE) -> np.ndarray:
    """Returns tileable noise (side, side) in [0, 1], interpolated between `cells` (down, across) random values."""
    grid = rng.random(cells)
    axes = []
    for count in cells:
        position = np.arange(side) * count / side
        low = position.astype(int)
        weight = position - low
        axes.append((low % count, (low + 1) % count, weight * weight * (3 - 2 * weight)))
    (y0, y1, wy), (x0, x1, wx) = axes
    wy, wx = wy[:, None], wx[None, :]
    top = grid[np.ix_(y0, x0)] * (1 - wx) + grid[np.ix_(y0, x1)] * wx
    bottom = grid[np.ix_(y1, x0)] * (1 - wx) + grid[np.ix_(y1, x1)] * wx
    return top * (1 - wy) + bottom * wy


def wood(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: planks with grain."""
    grain = smooth_noise(rng, (64, 3)) * 0.5 + smooth_noise(rng, (24, 2)) * 0.5
    plank = np.arange(SIDE) * 4 // SIDE
    shade = rng.random(4)[plank][:, None]
    gap = (np.arange(SIDE) % (SIDE // 4) < 2)[:, None]
    return np.where(gap, 1.0, 0.6 * grain + 0.4 * shade)


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: stripes."""
    count = int(rng.integers(2, 7))
    wave = np.sin(2 * np.pi * count * np.arange(SIDE) / SIDE)
    weight = np.broadcast_to(wave > rng.uniform(-0.6, 0.6), (SIDE, SIDE)).astype(float)
    return weight.T if rng.random() < 0.5 else weight


def checks(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: a checkered or a gingham cloth."""
    count = int(rng.integers(2, 6))
    wave = (np.arange(SIDE) * 2 * count // SIDE) % 2
    if rng.random() < 0.5:
        return (wave[:, None] ^ wave[None, :]).astype(float)
    return (wave[:, None] + wave[None, :]) / 2


def tiles(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: square tiles of slightly different shades, with joints."""
    count = int(rng.integers(2, 5))
    index = np.arange(SIDE) * count // SIDE
    shade = 0.35 * rng.random((count, count))[np.ix_(index, index)]
    joint = (np.arange(SIDE) % (SIDE / count)) < 5
    return np.where(joint[:, None] | joint[None, :], 1.0, shade)


def bricks(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: rows of bricks, every second one shifted by half a brick."""
    rows, columns = 8, 4
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    row = (y * rows).astype(int)
    shifted = (x * columns + 0.5 * (row % 2)) % columns
    shade = 0.5 * rng.random((rows, columns))[row, shifted.astype(int)]
    joint = ((y * rows) % 1 < 0.12) | (shifted % 1 < 0.06)
    return np.where(joint, 1.0, shade)


def mottle(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: stone, a sum of noise at several scales."""
    return sum(smooth_noise(rng, (n, n)) / 2**i for i, n in enumerate((3, 7, 17, 41))) / 1.875


def plain(rng: np.random.Generator) -> np.ndarray:
    """Returns blend weights (SIDE, SIDE) in [0, 1]: almost uniform paint or cloth."""
    return 0.25 * smooth_noise(rng, (90, 90)) + 0.15 * smooth_noise(rng, (4, 4))


TABLE_PATTERNS = (wood, wood, stripes, checks, tiles, mottle, plain)
WALL_PATTERNS = (stripes, tiles, bricks, mottle, plain, plain, wood)


def draw(rng: np.random.Generator, patterns: tuple) -> np.ndarray:
    """Draws a texture, uint8 (SIDE, SIDE, 3): one of the patterns, as a blend of two random colors."""
    weight = patterns[int(rng.integers(len(patterns)))](rng)[..., None]
    hue = rng.random()
    saturation = rng.uniform(0.03, 0.38)
    value = rng.uniform(0.45, 0.85)
    first = np.array(colorsys.hsv_to_rgb(hue, saturation, value))
    contrast = rng.uniform(0.12, 0.40) * (1 if value < 0.55 else -1)
    second_hue = (hue + rng.uniform(-0.12, 0.12)) % 1.0
    second = np.array(colorsys.hsv_to_rgb(second_hue, saturation * rng.uniform(0.3, 1.2), value + contrast))
    color = first * (1 - weight) + second * weight
    color += rng.normal(0, 0.012, (SIDE, SIDE, 1))
    return (255 * np.clip(color, 0, 1)).astype(np.uint8)
