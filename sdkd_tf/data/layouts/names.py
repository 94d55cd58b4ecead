"""Names of files and folders: Unicode normalization, natural order, and names to ignore."""

import functools
import os
import pathlib
import re
import unicodedata

# Files and folders that systems and programs create, in lower case. Names that start with a dot are ignored anyway.
_LEFT_BEHIND = {
    "__macosx", "__pycache__", "icon\r", "network trash folder", "temporary items",  # macOS, Python
    "$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",  # Windows
    "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "lost+found",  # Synology, QNAP, Linux
}  # fmt: skip
# Unicode categories of control characters, line breaks, and surrogates, which stand for bytes that are not UTF-8.
_NOT_TEXT = ("Cc", "Cs", "Zl", "Zp")
_MAX_BYTES = 200  # file names may have 255 bytes, and those of checkpoints contain the name of a task


def canonical(name: str) -> str:
    """The form in which names are compared: Unicode NFC, without surrounding white space.

    macOS may write `é` as a letter and an accent. Flags and lists cannot express white space around a name.
    """
    return unicodedata.normalize("NFC", name).strip()


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key for natural order, in which `task10` comes after `task9`. Only equal names have equal keys."""
    name = canonical(name)
    parts = re.split(r"(\d+)", name)  # text at even indices, digits at odd ones
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (0, part) for i, part in enumerate(parts)], name


def is_left_behind(name: str) -> bool:
    """Whether a file or folder is hidden or was created by the system."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def flaw(name: str) -> str | None:
    """Returns why a task or class cannot have this name, or None. Names are written to text files and file names."""
    if any(unicodedata.category(character) in _NOT_TEXT for character in name):
        return "contains a line break, another control character, or bytes that are not UTF-8; expected plain text"
    size = len(name.encode())
    return None if 0 < size <= _MAX_BYTES else f"has {size} bytes; expected 1 to {_MAX_BYTES}"


def on_disk(folder: pathlib.Path, name: pathlib.PurePath) -> pathlib.Path:
    """The path of a name below a folder, in the Unicode form used on disk; unchanged if there is no such file."""
    if str(name).isascii() or os.path.lexists(folder / name):
        return folder / name
    for part in name.parts:
        if not os.path.lexists(folder / part) and folder.is_dir():
            part = _spellings(folder, folder.stat().st_mtime_ns).get(canonical(part), part)
        folder = folder / part
    return folder


@functools.lru_cache(maxsize=64)
def _spellings(folder: pathlib.Path, changed: int) -> dict[str, str]:
    """Canonical name -> name on disk. `changed`, the folder's modification time, invalidates the cache."""
    return {canonical(name): name for name in os.listdir(folder)}
