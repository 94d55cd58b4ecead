"""Reads one image or mask into a square array: the same way for training, evaluation, conversion and prediction."""

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike


def open_image(path: PathLike, what: str = "image", background: str = "white") -> Image.Image:
    """Reads an image file of any mode as RGB, turned upright by its EXIF orientation.

    Args:
      path: the file.
      what: it is called in a message.
      background: colour behind what is transparent.

    Returns:
      A PIL image in mode RGB.

    Raises:
      UserError: there is no such file, or it is no readable image.
    """
    try:
        with Image.open(path) as file:
            image: Image.Image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I;16"):  # PIL would clip 16-bit grey at 255 instead of scaling it
                pixels = np.asarray(image)
                image = Image.fromarray(np.maximum(pixels >> 8, pixels > 0).astype(np.uint8))  # what is not 0 stays so
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, background), image)
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise UserError(f"{what} {path}: no such file") from error
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UserError(f"{what} {path}: cannot be read ({error}); expected a JPEG or PNG file") from error


def open_mask(path: PathLike) -> Image.Image:
    """Reads an object mask as a PIL image in mode L, 255 on the object and 0 elsewhere, also where it is transparent.

    Raises UserError as `open_image`, and for a mask that would be read as empty, but is not: of 0 and 1, or of dark colours.
    """
    mask = open_image(path, "mask", background="black").convert("L")
    brightest = int(np.asarray(mask).max())
    if 0 < brightest <= 127:
        raise UserError(f"mask {path}: its brightest pixel is {brightest}; expected 255 on the object and 0 elsewhere")
    return mask.point(lambda value: 255 if value > 127 else 0)


def letterbox(image: Image.Image, size: int, resample: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    """Scales a PIL image to fit a square, aspect kept, centred on black.

    Args:
      image: PIL image in mode RGB or L.
      size: side of the square in pixels.
      resample: a PIL filter; masks keep their edges with `Image.Resampling.NEAREST`.

    Returns:
      uint8 `[size, size, 3]` or `[size, size]`.
    """
    return np.asarray(ImageOps.pad(image, (size, size), method=resample))


def crop_letterbox(square: np.ndarray, width: float, height: float) -> np.ndarray:
    """Undoes `letterbox` on a map: cuts the bars off.

    Args:
      square: `[size, size]` or `[size, size, c]`.
      width, height: of the image before `letterbox`, in any unit.

    Returns:
      The part of `square` that shows the image.
    """
    size = square.shape[0]
    w, h = (
        (size, max(1, round(size * height / width)))
        if width >= height
        else (max(1, round(size * width / height)), size)
    )
    top, left = round((size - h) / 2), round((size - w) / 2)
    return square[top : top + h, left : left + w]
