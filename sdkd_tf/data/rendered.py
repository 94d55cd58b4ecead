"""The bundled benchmark: an archive in the package, which is unpacked to the user's cache folder on first use."""

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
    """Returns the folder of the bundled benchmark, and unpacks it if necessary.

    The folder is `sdkd_tf/rendered/<first 16 digits of the archive's SHA-256>` in the user's cache folder: `~/.cache`,
    or the environment variable XDG_CACHE_HOME. Every call compares names and sizes of the files with those in the
    archive, and unpacks it again if they differ. Concurrent calls are safe.

    Raises:
      UserError: the archive is missing or damaged, or the cache folder cannot be written to.
    """
    digest, sizes = _contents()
    folder = cache_folder() / "rendered" / digest[:16]
    try:
        if _sizes(folder) != sizes:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with lock(folder.parent / "lock"):
                if _sizes(folder) != sizes:  # another process may have unpacked it in the meantime
                    _unpack(folder, sizes)
    except OSError as error:
        not_a_folder = isinstance(error, NotADirectoryError | FileExistsError)
        reason = f"{error.filename} is not a folder" if not_a_folder else error.strerror or error
        expected = "expected a writable folder with 80 MB of free space; the variable XDG_CACHE_HOME chooses another"
        raise UserError(f"{folder}: the bundled benchmark cannot be unpacked here ({reason}); {expected}") from error
    return folder


def cache_folder() -> pathlib.Path:
    """Returns the package's folder in the user's cache folder, see `rendered_benchmark`. It need not exist."""
    chosen = pathlib.Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME", "")))
    # platformdirs ignores relative paths, and treats one that starts with ~ as relative.
    return chosen / "sdkd_tf" if chosen.is_absolute() else platformdirs.user_cache_path("sdkd_tf")


def _contents() -> tuple[str, dict[str, int]]:
    """Returns (SHA-256 of the archive in hexadecimal, {name of a file in it: size in bytes})."""
    try:
        data = ARCHIVE.read_bytes()
    except OSError as error:
        raise UserError(f"{ARCHIVE}: cannot be read ({error.strerror}); install sdkd-tf again") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return hashlib.sha256(data).hexdigest(), {entry.filename: entry.file_size for entry in archive.infolist()}
    except Exception as error:  # zipfile raises errors of many types on damaged archives
        raise _damaged(error) from error


def _damaged(error: Exception | str) -> UserError:
    reason = str(error) or type(error).__name__
    return UserError(f"{ARCHIVE}: the archive of the bundled benchmark is damaged ({reason}); install sdkd-tf again")


def _sizes(folder: pathlib.Path) -> dict[str, int]:
    """Returns {relative path: size in bytes} of all files below a folder; empty if it does not exist."""
    try:
        os.listdir(folder)  # raises an error for a file, which rglob does not
        files = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        return {path.relative_to(folder).as_posix(): path.lstat().st_size for path in files}
    except FileNotFoundError:  # if another process is replacing the folder
        return {}


def _unpack(folder: pathlib.Path, sizes: dict[str, int]) -> None:
    """Replaces `folder` by the content of the archive. The caller must hold the lock."""
    for leftover in folder.parent.glob("*.partial"):  # of killed processes; a running one would hold the lock
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
                archive.extract(name, folder)  # also verifies the checksum
    except OSError:
        raise
    except Exception as error:  # as in _contents
        raise _damaged(error) from error
    if _sizes(folder) != sizes:
        raise _damaged("names or sizes of the unpacked files differ")
