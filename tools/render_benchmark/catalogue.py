"""The furniture catalogue: the model archives of the Debian package sweethome3d-furniture."""

import dataclasses
import functools
import pathlib
import re
import zipfile

from sdkd_tf.errors import UserError

PACKAGE_HINT = "install the models with: apt-get install sweethome3d-furniture"
ARCHIVES = pathlib.Path("/usr/share/sweethome3d/furniture")
PROPERTIES = "PluginFurnitureCatalog.properties"

# License of each archive, according to its LICENSE.TXT.
LICENSES = {
    "BlendSwap-CC-0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "BlendSwap-CC-BY": ("CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/"),
    "KatorLegaz": ("CC BY 3.0 US", "https://creativecommons.org/licenses/by/3.0/us/"),
    "Scopia": ("CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/"),
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model of the catalogue; `size` is (width, depth, height) in meters."""

    archive: str
    number: int
    name: str
    creator: str
    path: str
    size: tuple[float, float, float]
    rotation: tuple[float, ...]  # nine numbers, row by row


def parse_properties(text: str, archive: str) -> dict[int, Entry]:
    """Returns the entries of a catalogue file by number; entries without a model or a size are left out."""
    fields: dict[int, dict[str, str]] = {}
    for line in text.splitlines():
        match = re.match(r"(\w+)#(\d+)=(.*)", line)
        if match:
            fields.setdefault(int(match[2]), {})[match[1]] = match[3].strip()
    entries = {}
    for number, field in fields.items():
        if not {"name", "model", "width", "depth", "height"} <= field.keys():
            continue
        rotation = tuple(map(float, field.get("modelRotation", "1 0 0 0 1 0 0 0 1").split()))
        size = tuple(float(field[key]) / 100 for key in ("width", "depth", "height"))
        entries[number] = Entry(
            archive, number, field["name"], field.get("creator", "unknown"), field["model"].lstrip("/"), size, rotation
        )
    return entries


@functools.cache
def open_archive(archive: str) -> zipfile.ZipFile:
    """Returns an open archive of the Debian package.

    Raises:
      UserError: the archive is missing or damaged.
    """
    path = ARCHIVES / f"{archive}.sh3f"
    try:
        return zipfile.ZipFile(path)
    except OSError:
        raise UserError(f"{path}: no such file; {PACKAGE_HINT}") from None
    except zipfile.BadZipFile:
        raise UserError(
            f"{path}: not a zip archive; repair it with: apt-get install --reinstall sweethome3d-furniture"
        ) from None


@functools.cache
def _entries(archive: str) -> dict[int, Entry]:
    text = open_archive(archive).read(PROPERTIES).decode("latin-1")
    return parse_properties(text, archive)


def find(place: str) -> Entry:
    """Returns the entry at `Archive#number`.

    Raises:
      UserError: the installed catalogue has no such entry.
    """
    archive, number = place.split("#")
    try:
        return _entries(archive)[int(number)]
    except KeyError:
        raise UserError(f"{ARCHIVES / archive}.sh3f: has no model {number}; {PACKAGE_HINT}") from None
