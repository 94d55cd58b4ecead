"""Writes files atomically, and reads files of unknown origin without executing anything in them."""

import codecs
import contextlib
import fcntl
import os
import pathlib
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeVar

import msgspec
import numpy as np

from sdkd_tf.errors import UserError, one_line

PathLike = str | os.PathLike[str]
T = TypeVar("T")
_MAX_BYTES = 4 << 30  # limit for an unpacked archive: a small one can expand to almost any size


@contextlib.contextmanager
def atomic_file(path: PathLike, mode: str = "wb") -> Iterator[IO[Any]]:
    """Opens a temporary file that replaces `path` when the block ends, and is removed if the block fails.

    Args:
      path: the file to write or replace.
      mode: mode of `open`; text is written in UTF-8.

    Yields:
      The open file. It is flushed to disk before it is renamed.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with temporary.open(mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # so that the rename, too, survives a power failure
    finally:
        os.close(directory)


@contextlib.contextmanager
def lock(path: PathLike, wait: bool = True) -> Iterator[None]:
    """Holds a lock file while the block runs. The system releases it however the process ends.

    Args:
      path: the lock file; its folder is created.
      wait: whether to wait for another process that holds it.

    Raises:
      UserError: another process holds the lock and `wait` is False, or the file cannot be written.
    """
    folder = pathlib.Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise UserError(f"{folder}: is in use by another process; wait, or choose another folder") from error
        yield


def read_text(path: PathLike) -> str:
    """Reads a text file in UTF-8, or in UTF-16 with a byte order mark, as Windows writes it.

    Raises:
      UnicodeDecodeError: it is in another encoding.
    """
    data = pathlib.Path(path).read_bytes()
    return data.decode("utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")


def write_json(path: PathLike, value: Any) -> None:
    """Writes dataclasses, lists, dicts, numbers and text as JSON, atomically."""
    with atomic_file(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def read_json(path: PathLike, form: type[T], writer: str) -> T:
    """Reads a JSON file into a type.

    Args:
      path: the file.
      form: a type that msgspec supports, such as a dataclass. Unknown fields are ignored.
      writer: the command that writes such files, for the error message.

    Raises:
      UserError: the file is missing, is not JSON, or does not fit the type.
    """
    try:
        return msgspec.json.decode(pathlib.Path(path).read_bytes(), type=form)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; expected one written by {writer}") from error
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        reason = ascii(one_line(error))[1:-1]
        raise UserError(f"{path}: cannot be read ({reason}); expected a file written by {writer}") from error


def write_npz(path: PathLike, *arrays: Any, **named: Any) -> None:
    """Writes a NumPy archive atomically. The arguments are those of `np.savez`."""
    with atomic_file(path) as file:
        np.savez(file, *arrays, **named)


def read_npz(path: PathLike) -> dict[str, np.ndarray]:
    """Reads a NumPy archive without unpickling.

    Returns:
      The arrays by name.

    Raises:
      ValueError: the file cannot be read, is damaged, is too large, or holds anything but numeric arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_BYTES:
                raise ValueError(f"holds more than {_MAX_BYTES} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        for name, array in found.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
                raise ValueError(f"{name} does not hold numbers")
        return found
    except Exception as error:  # zipfile and NumPy raise errors of many types on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"cannot be read as .npz ({reason})") from error


class SavedStates:
    """The last two states of a long computation, in files `<number>.npz`; the highest number is the newest.

    Files are written atomically. They are zip archives with a checksum for each part, so later damage is detected.
    """

    def __init__(self, directory: PathLike):
        """Args: directory: where the states are saved; created by the first `save`."""
        self._directory = pathlib.Path(directory)

    def save(self, state: Any, arrays: Sequence[Any]) -> None:
        """Saves a state, which can be anything that `write_json` can write, and a list of arrays."""
        self._directory.mkdir(exist_ok=True)
        files = self._files()
        number = int(files[-1].stem) + 1 if files else 0
        encoded = np.frombuffer(msgspec.json.encode(state), np.uint8)
        write_npz(self._directory / f"{number:06}.npz", encoded, *arrays)
        for old in files[:-1]:
            old.unlink()

    def load(self, form: type[T]) -> tuple[T, list[np.ndarray]] | None:
        """Reads the newest intact state. Damaged states are reported.

        Args:
          form: type of the state, as in `read_json`.

        Returns:
          (state, arrays) as passed to `save`, or None if there is no intact state.

        Raises:
          msgspec.ValidationError: the newest intact state is of another type; see `fitting`.
        """
        files = self._files()
        for path in reversed(files):
            try:
                archive = read_npz(path)
                encoded, *arrays = (archive[f"arr_{i}"] for i in range(len(archive)))
                return msgspec.json.decode(encoded.tobytes(), type=form), arrays
            except msgspec.ValidationError:  # not damaged, but written by another version
                raise
            except (ValueError, KeyError, RecursionError, msgspec.MsgspecError) as error:
                then = "starting over" if path == files[0] else "using the previous state"
                reason = ascii(one_line(error))[1:-1]
                print(f"{path}: is damaged ({reason}); {then}", flush=True)
        return None

    @contextlib.contextmanager
    def fitting(self, remedy: str) -> Iterator[None]:
        """Turns errors of a block that loads and restores a state into a UserError: the state does not fit.

        Args:
          remedy: what the user can do, for the error message.
        """
        try:
            yield
        except UserError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            reason, expected = one_line(error), "expected one of this version"
            raise UserError(
                f"{self._directory}: holds a state that does not fit ({reason}); {expected}; {remedy}"
            ) from error

    def exist(self) -> bool:
        """Whether states were saved and not cleared."""
        return self._directory.is_dir()

    def clear(self) -> None:
        """Removes all states."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _files(self) -> list[pathlib.Path]:
        return sorted(self._directory.glob("[0-9]*.npz"))
