"""The bundled benchmark: one archive in the package, unpacked on first use into the user's cache folder."""

import hashlib
import io
import os
import pathlib
import shutil
import zipfile

import platformdirs
from tqdm import tqdm

from sdkd_tf.errors import UserError
from sdkd_tf.files import lock

ARCHIVE = pathlib.Path(__file__).with_name("rendered.zip")


def rendered_benchmark() -> pathlib.Path:
    """Returns the folder of the bundled benchmark, which the first call unpacks.

    It is `sdkd_tf/rendered/<first 16 digits of the archive's SHA-256>` in the user's cache folder, which is
    `~/.cache` or the environment variable XDG_CACHE_HOME. Every call compares names and sizes of the files with
    those in the archive, and unpacks anew if they differ. Several processes may call it at the same time.

    Raises:
      UserError: the archive is missing or damaged, or the cache folder cannot be written.
    """
    digest, sizes = _contents()
    folder = cache_folder() / "rendered" / digest[:16]
    try:
        if _sizes(folder) != sizes:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with lock(folder.parent / "lock"):
                if _sizes(folder) != sizes:  # unless another process has unpacked it meanwhile
                    _unpack(folder, sizes)
    except OSError as error:
        not_a_folder = isinstance(error, NotADirectoryError | FileExistsError)
        reason = f"{error.filename} is not a folder" if not_a_folder else error.strerror or error
        expected = "expected a writable folder with 80 MB of free space; the variable XDG_CACHE_HOME chooses another"
        raise UserError(f"{folder}: the bundled benchmark cannot be unpacked here ({reason}); {expected}") from error
    return folder


def cache_folder() -> pathlib.Path:
    """Returns the package's folder in the user's cache folder, which XDG_CACHE_HOME chooses; it need not exist."""
    chosen = pathlib.Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME", "")))
    # platformdirs ignores a relative path, and one that starts with ~ is relative for it.
    return chosen / "sdkd_tf" if chosen.is_absolute() else platformdirs.user_cache_path("sdkd_tf")


def _contents() -> tuple[str, dict[str, int]]:
    """Returns the archive's SHA-256, in hexadecimal, and the sizes of its files in bytes by name."""
    try:
        data = ARCHIVE.read_bytes()
    except OSError as error:
        raise UserError(f"{ARCHIVE}: cannot be read ({error.strerror}); install sdkd-tf again") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return hashlib.sha256(data).hexdigest(), {entry.filename: entry.file_size for entry in archive.infolist()}
    except Exception as error:  # zipfile raises all sorts of errors on damaged archives
        raise _damaged(error) from error


def _damaged(error: Exception | str) -> UserError:
    reason = str(error) or type(error).__name__
    return UserError(f"{ARCHIVE}: the archive of the bundled benchmark is damaged ({reason}); install sdkd-tf again")


def _sizes(folder: pathlib.Path) -> dict[str, int]:
    """Returns the sizes of all files below a folder by their path from it; none if there is no such folder."""
    sizes = {}
    folders = [("", os.fspath(folder))]
    try:
        while folders:
            prefix, path = folders.pop()
            for entry in os.scandir(path):
                if entry.is_dir(follow_symlinks=False):
                    folders.append((f"{prefix}{entry.name}/", entry.path))
                else:
                    sizes[prefix + entry.name] = entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # or another process is replacing the folder
        return {}
    return sizes


def _unpack(folder: pathlib.Path, sizes: dict[str, int]) -> None:
    """Puts the archive's files in the place of `folder`; to be called with the lock held."""
    for leftover in folder.parent.glob("*.partial"):  # of killed processes: a living one would hold the lock
        shutil.rmtree(leftover)
    new, old = folder.with_suffix(".new.partial"), folder.with_suffix(".old.partial")
    try:
        _extract(new, sizes)
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
    finally:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _extract(folder: pathlib.Path, sizes: dict[str, int]) -> None:
    try:
        with zipfile.ZipFile(ARCHIVE) as archive:
            for name in tqdm(sizes, desc="unpacking the bundled benchmark", unit="file"):
                archive.extract(name, folder)  # compares the checksum, too
    except OSError:
        raise
    except Exception as error:  # as in _contents
        raise _damaged(error) from error
    if _sizes(folder) != sizes:
        raise _damaged("names or sizes of the unpacked files differ")
