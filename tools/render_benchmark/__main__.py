"""Renders the benchmark: python -m tools.render_benchmark --out=DIR."""

import pathlib

from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors
from tools.render_benchmark import models

_OUT = flags.DEFINE_string("out", None, "Output folder. An unfinished render with the same flags is resumed.")
_OBJECTS = flags.DEFINE_integer("objects", 20, "Number of objects, taken from a fixed list of 40.")
_FIRST = flags.DEFINE_integer("first", 1, "Place of the first of these objects in the list, from 1.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 128, "Side of the square images in pixels, 64 to 512.")
_COUNTS = {
    split: flags.DEFINE_integer(split, count, f"Number of {split} images per object and task, at least 1.")
    for split, count in (("train", 20), ("validation", 5), ("test", 5))
}
_SEED = flags.DEFINE_integer("seed", 0, "Random seed, at least 0.")
_WORKERS = flags.DEFINE_integer(
    "workers", 2, "Number of rendering processes, at least 1. It does not affect the images."
)
_QUALITY = flags.DEFINE_integer("quality", 85, "JPEG quality, 1 to 95.")


def _settings() -> dict:
    """Validates the flags and returns those that determine the images."""
    counts = [(flag, 1, 1000) for flag in _COUNTS.values()]
    bounds = [
        (_FIRST, 1, len(models.OBJECTS)),
        (_OBJECTS, 1, len(models.OBJECTS) - _FIRST.value + 1),
        (_IMAGE_SIZE, 64, 512),
        *counts,
        (_SEED, 0, 2**32 - 1),
        (_QUALITY, 1, 95),
    ]
    for flag, low, high in [*bounds, (_WORKERS, 1, 256)]:
        if not low <= flag.value <= high:
            raise UserError(f"--{flag.name}={flag.value}: expected {low} to {high}")
    if not _OUT.value:
        raise UserError("--out is missing; expected an output folder")
    return {flag.name: flag.value for flag, _, _ in bounds}


def render(out: pathlib.Path, settings: dict, workers: int) -> None:
    """Renders the sequences that the folder lacks; see `run.render`."""
    try:
        from tools.render_benchmark import run
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is missing; install it with: pip install -r tools/render_benchmark/requirements.txt"
        ) from None
    run.render(out, settings, workers)


def main(argv: list[str]) -> None:
    """Renders the benchmark. Bad input ends with one line and exit code 1."""
    with one_line_errors(resumable=True):
        if len(argv) > 1:
            raise UserError(f"{argv[1]}: expected flags only")
        render(pathlib.Path(_OUT.value or ""), _settings(), _WORKERS.value)


if __name__ == "__main__":
    app.run(main)
