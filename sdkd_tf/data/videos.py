"""Reads frames of videos and cameras with OpenCV, which is optional: pip install sdkd-tf[video]."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from PIL import Image

from sdkd_tf.errors import UserError

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")


@contextlib.contextmanager
def opened(source: pathlib.Path | int) -> Iterator[Any]:
    """Opens a video file, or the camera with a number.

    Yields:
      A `cv2.VideoCapture`.

    Raises:
      UserError: OpenCV is not installed or cannot read the source.
    """
    name = f"--camera={source}" if isinstance(source, int) else f"video {source}"
    if isinstance(source, pathlib.Path) and not source.is_file():
        raise UserError(f"{name}: no such file")
    # OpenCV and its FFmpeg would print what is wrong with a file. Both read these variables when they are loaded.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        raise UserError(f"{name}: needs OpenCV; pip install 'sdkd-tf[video]'") from error
    capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    try:
        if not capture.isOpened():
            expected = "the number of a camera" if isinstance(source, int) else f"a video ({' '.join(SUFFIXES)})"
            raise UserError(f"{name}: cannot be read by OpenCV; expected {expected}")
        yield capture
    finally:
        capture.release()


def frames(source: pathlib.Path | int, every: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yields (number, PIL image in mode RGB) of frames 0, `every`, 2 * `every`, ... until the video ends.

    OpenCV turns the frames of phones upright.

    Raises:
      UserError: see `opened`; or not even the first frame can be read.
    """
    with opened(source) as capture:
        number = 0
        while capture.grab():
            if number % every == 0:
                read, pixels = capture.retrieve()
                if not read:
                    break
                yield number, Image.fromarray(pixels[:, :, ::-1])  # OpenCV's order is blue, green, red
            number += 1
        if not number:
            raise UserError(f"video or camera {source}: has no frame that OpenCV can read; expected one or more")
