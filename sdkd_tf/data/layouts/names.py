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


def nfc(name: str) -> str:
    """The form in which names are compared: macOS may write `é` as two characters, a letter and an accent."""
    return unicodedata.normalize("NFC", name)


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorting key under which `task10` comes after `task9`; names that differ in leading zeros alone keep an order."""
    name = nfc(name)
    parts = re.split(r"(\d+)", name)  # text at even places, digits at odd ones
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (0, part) for i, part in enumerate(parts)], name


def is_left_behind(name: str) -> bool:
    """Whether a file or folder is hidden, or was made by a system and not by a person."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def is_text(name: str) -> bool:
    """Whether a name is free of control characters, so that it fits on a line of a file in UTF-8."""
    return not any(unicodedata.category(character) in _NOT_TEXT for character in name)


def on_disk(folder: pathlib.Path, name: pathlib.PurePath) -> pathlib.Path:
    """The path of a name below a folder, in the spelling that the disk has; as it is given, if there is no such file."""
    if str(name).isascii() or os.path.lexists(folder / name):
        return folder / name
    for part in name.parts:
        if not os.path.lexists(folder / part) and folder.is_dir():
            part = _spellings(folder, folder.stat().st_mtime_ns).get(nfc(part), part)
        folder = folder / part
    return folder


@functools.lru_cache(maxsize=64)
def _spellings(folder: pathlib.Path, changed: int) -> dict[str, str]:
    """Names in NFC -> names on disk; `changed`, the time of the folder's last change, keeps the cache true."""
    return {nfc(name): name for name in os.listdir(folder)}
