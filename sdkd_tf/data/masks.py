"""Reads object masks as common programs write them: decides which pixels are object and which are background."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from sdkd_tf.data.images import eight_bits, opened, upright
from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike

_FEW_GRAYS = 32  # up to this many gray values are object numbers; more are soft edges or probabilities
_FEW_COLORS = 256  # a file with more colors is a photo
_FAINT = 15  # of 255; next to bright values, values up to this one may be JPEG noise
_VOID = 255  # palette index of the border around objects in data sets like PASCAL VOC


class _AmbiguousError(Exception):
    """A mask that can be read in several ways."""


def open_mask(path: PathLike) -> Image.Image:
    """Reads an object mask.

    The object is, depending on the kind of image:

    - with transparency: the opaque pixels,
    - palette: all indices except 0, or except black if 0 is not used; 255 is a border and not part of the object,
    - color: all pixels except black,
    - up to 32 gray values: all except 0,
    - more gray values: those above 127.

    Returns:
      A PIL image in mode L, 255 on the object and 0 elsewhere.

    Raises:
      UserError: see `images.opened`; or the mask is ambiguous.
    """
    with opened(path, "mask") as file:
        try:
            return _object(upright(file))
        except _AmbiguousError as error:
            raise UserError(f"mask {path}: {error}; expected 255 on the object and 0 elsewhere") from error


def _object(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        if np.asarray(picture.getchannel("A")).min() <= 127:
            return _opaque(picture)
    if image.mode == "P":
        used = np.flatnonzero(image.histogram())
        colors = np.zeros((256, 3), np.uint8)
        given = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
        colors[: len(given)] = given
        if np.ptp(colors[used], axis=1).any():
            return _of_palette(image, set(used.tolist()), set(used[~colors[used].any(axis=1)].tolist()))
        image = image.convert("L")
    if image.mode.startswith("I"):
        return _of_levels(Image.fromarray(eight_bits(image)), len(np.unique(np.asarray(image))) <= _FEW_GRAYS)
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
        red, green, blue = image.split()
        if ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox():
            if not image.getcolors(_FEW_COLORS):
                raise _AmbiguousError(f"has more than {_FEW_COLORS} colors")
            return _of_levels(_brightest(image), few=True)
        image = red
    image = image.convert("L")
    return _of_levels(image, few=sum(map(bool, image.histogram())) <= _FEW_GRAYS)


def _opaque(picture: Image.Image) -> Image.Image:
    """The object in an RGBA image with transparent parts."""
    opaque = picture.getchannel("A").point(lambda value: 255 if value > 127 else 0)
    level = _brightest(picture)
    black, *others = level.histogram(mask=opaque)
    if black and any(others):
        raise _AmbiguousError("has transparent, black and other pixels, so transparent or black may be background")
    if not black and not any(others) and any(channel.getbbox() for channel in (level, picture.getchannel("A"))):
        raise _AmbiguousError("is transparent everywhere but not empty")
    return opaque


def _of_palette(image: Image.Image, used: set[int], black: set[int]) -> Image.Image:
    """The object in a palette image, given the indices that it uses and those of them that are black."""
    if 0 in used and black <= {0}:
        background = {0}
    elif 0 not in used and black:
        background = black
    else:
        raise _AmbiguousError("has a palette in which neither index 0 nor black is clearly the background")
    if used - background != {_VOID}:
        background.add(_VOID)
    table = np.full(256, 255, np.uint8)
    table[list(background)] = 0
    return Image.fromarray(table[np.asarray(image)])


def _of_levels(level: Image.Image, few: bool) -> Image.Image:
    """The object in a gray image.

    Args:
      level: PIL image in mode L.
      few: whether it has so few values that they may be object numbers.
    """
    counts = level.histogram()
    used = [value for value in range(256) if counts[value]]
    if used == [255]:
        return level
    if few and not counts[0]:
        raise _AmbiguousError(f"has the values {', '.join(map(str, used))}, none of which is background")
    if not few and used[-1] <= 127:
        raise _AmbiguousError(f"has more than {_FEW_GRAYS} gray values, the largest of which is {used[-1]}")
    noisy = used[-1] > 127 and not _has_faint_area(level)
    threshold = 127 if not few or noisy and any(counts[1 : _FAINT + 1]) else 0
    return level.point(lambda value: 255 if value > threshold else 0)


def _has_faint_area(level: Image.Image) -> bool:
    """Whether any 3 x 3 pixels share a faint value: those of an object with a low number do, JPEG noise does not."""
    lowest, highest = (np.asarray(level.filter(kind(3))) for kind in (ImageFilter.MinFilter, ImageFilter.MaxFilter))
    return bool(((lowest == highest) & (lowest > 0) & (lowest <= _FAINT)).any())


def _brightest(picture: Image.Image) -> Image.Image:
    """The largest of red, green and blue, as a PIL image in mode L."""
    red, green, blue, *_ = picture.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)
