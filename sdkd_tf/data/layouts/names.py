"""Names of files and folders as people and their machines write them: how they are compared, ordered and left out."""

import functools
import os
import pathlib
import re
import unicodedata

# What systems and programs leave in folders, in lower case; names that start with a dot need no entry.
_LEFT_BEHIND = {
    "__macosx", "__pycache__", "icon\r", "network trash folder", "temporary items",  # macOS, Python
    "$recycle.bin", "recycler", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",  # Windows
    "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "lost+found",  # Synology, QNAP, Linux
}  # fmt: skip
# Line breaks and other control characters, and surrogates, which stand for bytes that are no UTF-8.
_NOT_TEXT = ("Cc", "Cs", "Zl", "Zp")
_MAX_BYTES = 200  # a file's name has at most 255, and checkpoints are named after tasks


def canonical(name: str) -> str:
    """The form in which names are compared: in NFC, since macOS may write `é` as a letter and an accent, and without the white
    space around it, which neither flags nor lists can tell.
    """
    return unicodedata.normalize("NFC", name).strip()


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorting key under which `task10` comes after `task9`; names that differ in leading zeros alone keep an order."""
    name = canonical(name)
    parts = re.split(r"(\d+)", name)  # text at even places, digits at odd ones
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (0, part) for i, part in enumerate(parts)], name


def is_left_behind(name: str) -> bool:
    """Whether a file or folder is hidden, or was made by a system and not by a person."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def flaw(name: str) -> str | None:
    """Why the name of a task or a class fits neither on a line of a file in UTF-8 nor into the name of a file; None if it does."""
    if any(unicodedata.category(character) in _NOT_TEXT for character in name):
        return "has a line break, another control character or no UTF-8; expected plain text"
    size = len(name.encode())
    return None if 0 < size <= _MAX_BYTES else f"has {size} bytes; expected 1 to {_MAX_BYTES}"


def on_disk(folder: pathlib.Path, name: pathlib.PurePath) -> pathlib.Path:
    """The path of a name below a folder, in the spelling that the disk has; as it is given, if there is no such file."""
    if str(name).isascii() or os.path.lexists(folder / name):
        return folder / name
    for part in name.parts:
        if not os.path.lexists(folder / part) and folder.is_dir():
            part = _spellings(folder, folder.stat().st_mtime_ns).get(canonical(part), part)
        folder = folder / part
    return folder


@functools.lru_cache(maxsize=64)
def _spellings(folder: pathlib.Path, changed: int) -> dict[str, str]:
    """Names as they are compared -> names on disk; `changed`, the time of the folder's last change, keeps the cache true."""
    return {canonical(name): name for name in os.listdir(folder)}
