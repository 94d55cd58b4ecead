"""Decodes images and scales them to a square, in the same way for training, evaluation, conversion and prediction."""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from sdkd_tf.errors import UserError, one_line
from sdkd_tf.files import PathLike

with contextlib.suppress(ImportError):
    import pillow_heif

    pillow_heif.register_heif_opener()

Image.init()
# The formats that browsers and phones display. Other decoders are never used: that of EPS would start Ghostscript.
FORMATS = tuple(name for name in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF", "HEIF") if name in Image.OPEN)
EXPECTED = f"expected {', '.join(FORMATS)}" + ("" if "HEIF" in FORMATS else ", or HEIF and `pip install pillow-heif`")
_REGISTERED = {suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS}
SUFFIXES = tuple(sorted({*_REGISTERED, ".mpo", ".pjpeg"}))
# Pillow rejects images with more than twice this many pixels, and warns about those in between.
Image.MAX_IMAGE_PIXELS = 1 << 27
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 26  # so that a large color profile or comment does not make an image unreadable
warnings.filterwarnings("ignore", module=r"PIL\.")  # they concern metadata; problems with the pixels raise exceptions

LONGEST = 32  # largest aspect ratio: the shorter side keeps at least one of the smallest network's 32 pixels
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # color space of a profile -> PIL mode


@contextlib.contextmanager
def opened(path: PathLike, what: str = "image") -> Iterator[Image.Image]:
    """Opens an image file and reads its header. Errors of the decoder, also inside the block, become UserErrors.

    Args:
      path: the file.
      what: what the messages call it.

    Yields:
      A PIL image whose pixels have not been read yet.

    Raises:
      UserError: the file does not exist, is not a readable image, or its aspect ratio is above 32.
    """
    try:
        with Image.open(path, formats=FORMATS) as file:
            width, height = file.size
            if max(file.size) > LONGEST * min(file.size):
                raise UserError(
                    f"{what} {path}: is {width}x{height}, which may scale to less than a pixel;"
                    f" expected no side more than {LONGEST} times as long as the other"
                )
            yield file
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{what} {path}: no such file") from error
    except Exception as error:  # decoders raise errors of many types on damaged files
        reason = one_line(error) or type(error).__name__
        raise UserError(f"{what} {path}: cannot be read ({reason}); {EXPECTED}") from error


def upright(file: Image.Image) -> Image.Image:
    """Decodes an opened file in its own mode and applies its EXIF orientation. Call it inside the block of `opened`."""
    file.load()
    turn = _TURNS.get(_orientation(file))
    return file if turn is None else file.transpose(turn)


def open_image(path: PathLike) -> Image.Image:
    """Reads an image file of any mode as upright sRGB pixels, with transparent parts on black.

    Args:
      path: the file. Only the first frame of an animation is read.

    Returns:
      A PIL image in mode RGB, without a color profile or other metadata.

    Raises:
      UserError: see `opened`.
    """
    with opened(path) as file:
        image = upright(file)
        profile = image.info.get("icc_profile")
        gray = image.getbands()[0] in ("1", "L", "I")
        if image.mode.startswith("I"):
            image = Image.fromarray(eight_bits(image))
        elif image.has_transparency_data:
            picture = image.convert("RGBA")
            image = Image.new("RGB", image.size)
            image.paste(picture, mask=picture)
        if gray or image.mode not in ("RGB", "CMYK"):
            image = image.convert("L" if gray else "RGB")
        transform = _to_srgb(profile, image.mode) if profile else None
        if transform and image.mode == "RGB":
            transform.apply_in_place(image)  # a second copy of a large photo would double the memory
        elif transform:
            image = transform.apply(image)
        if image.mode != "RGB":
            image = image.convert("RGB")
        image.info = {}
        return image


def eight_bits(image: Image.Image) -> np.ndarray:
    """Scales 16-bit gray, which PIL would clip at 255, to uint8 `[h, w]`; nonzero values stay nonzero."""
    pixels = np.asarray(image)
    return np.maximum(pixels >> 8, pixels > 0).astype(np.uint8)


def letterbox(image: Image.Image, size: int, resample: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    """Scales a PIL image to fit a square, keeping its aspect ratio, and centers it on black.

    Args:
      image: PIL image in mode RGB or L.
      size: side of the square in pixels.
      resample: a PIL filter. The default averages over all pixels when shrinking; for masks, use
        `Image.Resampling.NEAREST`, which adds no intermediate values.

    Returns:
      uint8 `[size, size, 3]` or `[size, size]`.
    """
    return np.asarray(ImageOps.pad(image, (size, size), method=resample))


def crop_letterbox(square: np.ndarray, width: float, height: float) -> np.ndarray:
    """Crops the bars that `letterbox` has added.

    Args:
      square: `[size, size]` or `[size, size, c]`.
      width, height: size of the image before `letterbox`, in any unit.

    Returns:
      The part of `square` that shows the image.
    """
    size = square.shape[0]
    longer = max(width, height)
    w, h = (max(1, round(size * side / longer)) for side in (width, height))
    top, left = round((size - h) / 2), round((size - w) / 2)
    return square[top : top + h, left : left + w]


def _orientation(file: Image.Image) -> int:
    """The EXIF orientation, or 0 if it is missing or damaged."""
    try:
        exif = Image.Exif()  # `file.getexif()` would also read XMP, which browsers ignore
        exif.load(file.info.get("exif", b""))
        value = exif.get(_ORIENTATION)
    except Exception:
        return 0
    return value if isinstance(value, int) else 0


@functools.lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a color profile to sRGB; None if the profile is damaged, does not fit the mode, or is sRGB."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _MODES.get(source.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        levels = np.arange(0, 256, 15, dtype=np.uint8)
        colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
        if mode == "RGB" and _most_change(transform, colors) <= 1:
            return None
        return transform
    except Exception:  # lcms and Pillow raise errors of many types on damaged profiles
        return None


def _most_change(transform: ImageCms.ImageCmsTransform, colors: np.ndarray) -> int:
    changed = np.asarray(transform.apply(Image.fromarray(colors)), np.int16)
    return int(np.abs(changed - colors).max())
