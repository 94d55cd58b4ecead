"""Renders the benchmark: python -m tools.render_benchmark --out=DIR."""

import pathlib
import sys

from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors
from tools.render_benchmark import models

_OUT = flags.DEFINE_string("out", None, "Folder to write; a render made with the same flags is resumed.")
_OBJECTS = flags.DEFINE_integer("objects", 20, "Number of objects, the first of an ordered list of 40.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 128, "Side of the square images in pixels, 64 to 512.")
_COUNTS = {
    split: flags.DEFINE_integer(split, count, f"{split} images of each object and level, at least 1.")
    for split, count in (("train", 20), ("validation", 5), ("test", 5))
}
_SEED = flags.DEFINE_integer("seed", 0, "Seed of everything drawn, at least 0.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Processes that render, at least 1; the images do not depend on it.")
_QUALITY = flags.DEFINE_integer("quality", 85, "JPEG quality, 1 to 95.")


def _settings() -> dict:
    """Returns the checked flags that decide what is rendered."""
    counts = [(flag, 1, 1000) for flag in _COUNTS.values()]
    bounds = [
        (_OBJECTS, 1, len(models.OBJECTS)),
        (_IMAGE_SIZE, 64, 512),
        *counts,
        (_SEED, 0, 2**32 - 1),
        (_QUALITY, 1, 95),
    ]
    for flag, low, high in [*bounds, (_WORKERS, 1, 256)]:
        if not low <= flag.value <= high:
            raise UserError(f"--{flag.name}={flag.value}: expected {low} to {high}")
    if not _OUT.value:
        raise UserError("--out is missing: expected the folder to write")
    return {flag.name: flag.value for flag, _, _ in bounds}


def render(out: pathlib.Path, settings: dict, workers: int) -> None:
    """Renders what the folder lacks; see run.render."""
    try:
        from tools.render_benchmark import run
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is missing; install it with: pip install -r tools/render_benchmark/requirements.txt"
        ) from None
    run.render(out, settings, workers)


def main(argv: list[str]) -> None:
    """Checks the flags and renders; prints one line and exits with 1 if something is wrong."""
    try:
        with one_line_errors():
            if len(argv) > 1:
                raise UserError(f"{argv[1]}: expected flags only")
            render(pathlib.Path(_OUT.value or ""), _settings(), _WORKERS.value)
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command resumes")


if __name__ == "__main__":
    app.run(main)
