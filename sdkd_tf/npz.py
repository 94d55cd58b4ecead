"""NumPy archives from anywhere: nothing is unpickled, and nothing is allocated that the file does not hold."""

import math
import sys
import zipfile

import numpy as np
from numpy.lib import format as npy

_MAX_BYTES = 4 << 30  # unpacked: a small archive can hold endless zeros


def read_npz(path):
    """Reads an archive written by `np.savez`.

    Args:
      path: the file.

    Returns:
      A dict, name -> array.

    Raises:
      ValueError: the file cannot be read, is damaged, or holds anything else than arrays of numbers or text.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > _MAX_BYTES:
                raise ValueError(f"holds more than {_MAX_BYTES} bytes")
            return {part.filename.removesuffix(".npy"): _read(archive, part) for part in parts}
    except Exception as error:  # zipfile and NumPy raise all sorts on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"cannot be read as .npz ({reason})") from error


def _read(archive, part):
    with archive.open(part) as file:
        version = npy.read_magic(file)
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, dtype = read_header(file)
        if dtype.kind not in "biufU":
            raise ValueError(f"{part.filename} holds {dtype} instead of numbers")
        if min(shape, default=0) < 0 or file.tell() + math.prod(shape) * dtype.itemsize != part.file_size:
            raise ValueError(f"{part.filename} is not as large as its shape {shape} says")
    with archive.open(part) as file:
        array = npy.read_array(file, allow_pickle=False)
    if dtype.kind == "U":  # NumPy makes strings of any numbers, Python's own functions then fail on them
        codes = np.frombuffer(array.tobytes(), np.dtype("u4").newbyteorder(dtype.byteorder))
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError(f"{part.filename} holds what is no text")
    return array
