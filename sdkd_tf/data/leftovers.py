"""Finds unused files in a data folder: images in unsupported formats, and targets that match no image."""

import collections
import pathlib
import re
from collections.abc import Iterator, Mapping

from sdkd_tf.data.images import EXPECTED, SUFFIXES, opened
from sdkd_tf.data.layouts.listing import files_below
from sdkd_tf.data.layouts.names import canonical
from sdkd_tf.data.targets import SUFFIX_OF, TREES
from sdkd_tf.errors import UserError

# Formats that browsers do not display, and those that Pillow reads only with an optional library.
_OTHER = {
    ".arw", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".heic", ".heif", ".hif", ".jp2", ".jxl", ".nef", ".orf", ".pbm",
    ".pgm", ".ppm", ".psd", ".raf", ".raw", ".rw2", ".svg", ".tga", ".tif", ".tiff", ".webp",
}.difference(SUFFIXES)  # fmt: skip


def leftovers(root: pathlib.Path) -> tuple[list[str], list[str]]:
    """Searches a data folder of any layout.

    Returns:
      (problems, warnings), one line each. Problems: unreadable folders of targets, and targets with a wrong name.
      Warnings: images in unsupported formats or without a suffix, and targets whose image is missing or already has
      another target.
    """
    files = list(files_below(root, but=TREES))
    names = {_canonical(name): name for path in files for name in [_name(path.relative_to(root))]}
    problems: list[str] = []
    warnings = list(_unread(root, files))
    for tree, suffix in SUFFIX_OF.items():
        folder = root / tree
        targets = []
        if folder.is_dir():
            targets = [path.relative_to(folder) for path in files_below(folder, unreadable=problems.append)]
        misnamed, lost = _strays(folder, targets, suffix, names)
        of_all, line = f"of {len(targets)} files in {folder} match no image", "{} {}, such as {}; expected {}"
        if misnamed:
            problems.append(line.format(len(misnamed), of_all, *misnamed[0]))
        if lost:
            warnings.append(line.format(len(lost), of_all, lost[0], "an image of that name without another target"))
    return problems, warnings


def _unread(root: pathlib.Path, files: list[pathlib.Path]) -> Iterator[str]:
    counts: collections.Counter = collections.Counter()
    for path in files:
        suffix = path.suffix.lower()
        if suffix in _OTHER:
            counts[suffix] += 1
        elif not suffix and _is_picture(path):
            counts["without a suffix"] += 1
    if counts:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        yield f"{root}: {kinds} are not read; {EXPECTED}"


def _is_picture(path: pathlib.Path) -> bool:
    try:
        with opened(path):
            return True
    except UserError:
        return False


def _strays(
    folder: pathlib.Path, targets: list[pathlib.Path], suffix: str, names: Mapping[str, pathlib.PurePath]
) -> tuple[list[tuple[pathlib.Path, str]], list[pathlib.Path]]:
    """The targets that match no image: ([(path, correct path) if its image can be guessed], [path] of the others)."""
    strays = [path for path in targets if path.suffix != suffix or _canonical(_name(path)) not in names]
    by_key = {_key(str(name)): name for name in names.values()} if strays else {}
    misnamed, lost = [], []
    for path in strays:
        image = _meant(path, by_key)
        if image and not (folder / f"{image}{suffix}").exists():
            misnamed.append((folder / path, f"{folder / image}{suffix}"))
        elif path.suffix.lower() in (suffix, *SUFFIXES, *_OTHER):  # ignores other files, such as those of label tools
            lost.append(folder / path)
    return misnamed, lost


def _name(path: pathlib.PurePath) -> pathlib.PurePath:
    return path.with_name(path.stem)


def _canonical(path: pathlib.PurePath) -> str:
    return "/".join(map(canonical, path.parts))


def _key(name: str) -> str:
    """Normalizes a path for a tolerant comparison, which ignores case, spaces, punctuation and Unicode form."""
    return re.sub(r"[^\w/]|_", "", canonical(name).casefold())


def _meant(target: pathlib.PurePath, by_key: dict[str, pathlib.PurePath]) -> pathlib.PurePath | None:
    """Guesses the image of a target: the one whose name equals that of the target, or else its longest start or end."""
    parts = re.findall(r"\d+|[^\W\d_]+", canonical(target.stem))
    for count in range(len(parts), 0, -1):
        for some in (parts[:count], parts[-count:]):
            image = by_key.get(_key(f"{target.parent}/{''.join(some)}"))
            if image:
                return image
    return None
