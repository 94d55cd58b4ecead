"""Where the images to label come from: image files, folders of them, videos, and a camera."""

import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from PIL import Image

from sdkd_tf.data import videos
from sdkd_tf.data.images import SUFFIXES, open_image, opened
from sdkd_tf.data.layouts.listing import files_below
from sdkd_tf.errors import UserError

Source = pathlib.Path | int  # a file, or the number of a camera


def find_files(paths: Sequence[str]) -> list[pathlib.Path]:
    """Lists the given files, and all images below the given folders in natural order.

    Raises:
      UserError: a folder cannot be read or holds no image.
    """
    found: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        unreadable: list[str] = []
        below = list(files_below(path, unreadable=unreadable.append)) if path.is_dir() else [path]
        images = [file for file in below if file == path or file.suffix.lower() in SUFFIXES]
        if unreadable or not images:
            raise UserError(unreadable[0] if unreadable else f"{path}: holds no images; expected {' '.join(SUFFIXES)}")
        found += images
    return found


def is_image(source: Source) -> TypeGuard[pathlib.Path]:
    """Whether a source is a single image: neither a camera nor, by its suffix, a video."""
    return isinstance(source, pathlib.Path) and source.suffix.lower() not in videos.SUFFIXES


def check(sources: Sequence[Source]) -> None:
    """Reads the headers of all sources, but no pixels. Raises UserError if one cannot be read."""
    for source in sources:
        with opened(source) if is_image(source) else videos.opened(source):
            pass


def read_images(
    sources: Sequence[Source], every: int, most: int, damaged: list[str]
) -> Iterator[tuple[str, int | None, Image.Image]]:
    """Reads one image at a time.

    Args:
      sources: what to read.
      every, most: of a video or camera, every n-th frame is read, and at most this many of them.
      damaged: a line is added for each source that cannot be decoded.

    Yields:
      (path, number of the frame or None, PIL image in mode RGB).
    """
    for source in sources:
        try:
            if is_image(source):
                yield str(source), None, open_image(source)
                continue
            name = f"camera {source}" if isinstance(source, int) else str(source)
            for number, image in itertools.islice(videos.frames(source, every), most):
                yield name, number, image
        except UserError as error:
            damaged.append(str(error))
