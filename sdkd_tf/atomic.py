"""Files that appear whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def atomic_file(path, mode="wb"):
    """Opens a file beside `path` that takes its place when the block ends, and vanishes when the block fails.

    Args:
      path: the file to write or replace.
      mode: of `open`.

    Yields:
      The open file. Its content is forced to the disk before it gets its name.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open(mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the new name, too, survives a loss of power
    finally:
        os.close(directory)
