"""How far an unfinished run has come, on disk, so that one that was killed goes on."""

import contextlib
import json
import pathlib
import shutil

import numpy as np

from sdkd_tf.atomic import atomic_file
from sdkd_tf.errors import UserError
from sdkd_tf.npz import read_npz


class Progress:
    """The last states of a run, each in a file `<number>.npz`; the highest number is the newest.

    A file gets its name when it is whole. It is a zip archive, which holds a checksum of each of its parts: one that was damaged
    later is noticed.
    """

    def __init__(self, directory, keep=2):
        """Args:
        directory: where the states are; made by the first `save`.
        keep: how many of them; older ones are removed.
        """
        self._directory, self._keep = pathlib.Path(directory), keep

    def save(self, state, arrays):
        """Adds a state.

        Args:
          state: anything that JSON can hold.
          arrays: a list of NumPy arrays.
        """
        self._directory.mkdir(exist_ok=True)
        files = self._files()
        number = int(files[-1].stem) + 1 if files else 0
        with atomic_file(self._directory / f"{number:06}.npz") as file:
            np.savez(file, json.dumps(state), *arrays)
        for old in files[: len(files) + 1 - self._keep]:
            old.unlink()

    def load(self):
        """Reads the newest whole state; names those that are damaged.

        Returns:
          (state, arrays) as `save` took them, or None if there is no whole one.
        """
        files = self._files()
        for path in reversed(files):
            try:
                archive = read_npz(path)
                state, *arrays = (archive[f"arr_{i}"] for i in range(len(archive)))
                return json.loads(str(state)), arrays
            except (ValueError, KeyError, RecursionError) as error:
                then = "starting anew" if path == files[0] else "going back to the state before it"
                print(f"{path}: is damaged ({error}); {then}", flush=True)
                path.unlink(missing_ok=True)  # another worker may have been faster
        return None

    @contextlib.contextmanager
    def fitting(self, remedy):
        """Raises UserError where the block, which takes a state back, finds one that does not fit: of another version, or forged.

        Args:
          remedy: what the user can do, for the message.
        """
        try:
            yield
        except UserError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self._directory}: holds a state that does not fit ({reason}); expected one of this version; {remedy}"
            ) from error

    def exists(self):
        """Whether a state was saved and not cleared."""
        return self._directory.is_dir()

    def clear(self):
        """Removes all states."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _files(self):
        return sorted(self._directory.glob("[0-9]*.npz"))
