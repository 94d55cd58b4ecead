"""Packs a finished render into one archive: python -m tools.render_benchmark.archive DIR OUT.zip."""

import pathlib
import shutil
import stat
import sys
import zipfile

from absl import app

from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.files import atomic_file

ATTRIBUTION = "ATTRIBUTION.md"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can hold


def attribution_beside(out: pathlib.Path) -> pathlib.Path:
    """Returns the path of the copy of ATTRIBUTION.md that is kept beside an archive."""
    return out.with_name(f"{out.stem}_{ATTRIBUTION}")


def pack(folder: pathlib.Path, out: pathlib.Path) -> None:
    """Writes an archive and a copy of its ATTRIBUTION.md beside it. The same files always give the same bytes.

    Files are stored uncompressed, since JPEG and PNG are compressed already. Hidden files are left out.

    Args:
      folder: a finished render.
      out: the archive to write or replace.

    Raises:
      UserError: the folder does not hold a finished render.
    """
    for name in ("levels.csv", ATTRIBUTION):
        if not (folder / name).is_file():
            raise UserError(f"{folder}: has no {name}; expected the folder of a finished render")
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    names = sorted(name.as_posix() for name in files if not any(part.startswith(".") for part in name.parts))
    with atomic_file(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix; other systems have no permissions
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, (folder / name).read_bytes())
    shutil.copyfile(folder / ATTRIBUTION, attribution_beside(out))


def main(argv: list[str]) -> None:
    """Packs a folder. Bad input ends with one line and exit code 1."""
    with one_line_errors():
        if len(argv) != 3:
            raise UserError(f"{len(argv) - 1} arguments given; expected DIR OUT.zip")
        try:
            pack(pathlib.Path(argv[1]), pathlib.Path(argv[2]))
        except OSError as error:
            sys.exit(f"error: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    app.run(main)
