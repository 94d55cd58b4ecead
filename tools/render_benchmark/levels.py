"""The conditions of the benchmark's tasks: four factors at three levels each."""

import dataclasses

from sdkd_tf.data.layouts.listing import FACTORS

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Illumination:
    """Light of a level.

    Attributes:
      ambient, diffuse, specular: coefficients of the renderer, in [0, 1].
      luminance: range of the mean luminance of an image, within [0, 255].
      noise: standard deviation of the sensor noise, in gray levels.
    """

    ambient: float
    diffuse: float
    specular: float
    luminance: Range
    noise: float


@dataclasses.dataclass(frozen=True)
class Condition:
    """What an image has to satisfy.

    Attributes:
      illumination: the light.
      hidden: range of the fraction of the object's pixels that is hidden by something else.
      side: range of the longer side of the whole object's bounding box, in fractions of the frame's side.
      distractors: range of the number of distractors of which at least MIN_PIXELS pixels are visible.
    """

    illumination: Illumination
    hidden: Range
    side: Range
    distractors: tuple[int, int]


MIN_PIXELS = 20  # of a distractor, in a frame of 128 x 128; in proportion to the area for other sizes
CLUTTER_HIDDEN = (0.0, 0.10)  # distractors are meant to stand beside and behind the object

ILLUMINATION = (
    Illumination(ambient=0.35, diffuse=0.70, specular=0.15, luminance=(105, 180), noise=0),
    Illumination(ambient=0.50, diffuse=0.50, specular=0.10, luminance=(65, 110), noise=1),
    Illumination(ambient=0.60, diffuse=0.40, specular=0.05, luminance=(24, 56), noise=5),
)
OCCLUSION: tuple[Range, ...] = ((0.0, 0.0), (0.20, 0.30), (0.45, 0.55))
PIXEL: tuple[Range, ...] = ((0.60, 0.80), (0.33, 0.48), (0.17, 0.23))
CLUTTER: tuple[tuple[int, int], ...] = ((0, 0), (3, 4), (7, 9))

# (factor, level) of task1, task2, ...
TASKS = tuple((factor, level) for factor in FACTORS for level in (1, 2, 3))


def condition(factor: str, level: int) -> Condition:
    """Returns the condition of a task; all factors but the given one are at level 1."""
    level_of = {name: (level if name == factor else 1) - 1 for name in FACTORS}
    distractors = CLUTTER[level_of["clutter"]]
    return Condition(
        illumination=ILLUMINATION[level_of["illumination"]],
        hidden=CLUTTER_HIDDEN if distractors[1] else OCCLUSION[level_of["occlusion"]],
        side=PIXEL[level_of["pixel"]],
        distractors=distractors,
    )


def min_pixels(image_size: int) -> float:
    """Returns the number of pixels from which on a distractor counts as visible in a square frame."""
    return MIN_PIXELS * (image_size / 128) ** 2


def inner(bounds: Range, fraction: float = 0.6) -> Range:
    """Returns the middle `fraction` of a range. Values aimed at it stay within the range after rounding."""
    low, high = bounds
    margin = (high - low) * (1 - fraction) / 2
    return low + margin, high - margin
