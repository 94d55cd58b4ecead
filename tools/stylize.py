"""Turns photos into four tasks that cannot be rendered: photos, paintings, cartoons and pencil sketches.

python -m tools.stylize PHOTOS OUT

PHOTOS has the form {train,test}/<class>/*.jpg. Every photo is shown in one style only, so that no task repeats an image
of another. A fifth of the training photos become validation images. Needs the extra `video` (OpenCV).
"""

import pathlib
from collections.abc import Callable

import cv2
import numpy as np
from absl import app
from PIL import Image
from tqdm import tqdm

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.layouts.listing import image_files, subfolders
from sdkd_tf.errors import UserError, one_line_errors

_SIDE = 256


def cartoon(image: np.ndarray) -> np.ndarray:
    """Flat colors in eight levels with dark outlines. Args and returns: BGR, uint8 `[h, w, 3]`."""
    flat = cv2.bilateralFilter(image, 9, 75, 75)
    for _ in range(3):
        flat = cv2.bilateralFilter(flat, 9, 75, 75)
    gray = cv2.medianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 5)
    edges = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 5)
    return (flat // 32 * 32 + 16) & cv2.cvtColor(edges, cv2.COLOR_GRAY2BGR)


STYLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1_photo": lambda image: image,
    "2_painting": lambda image: cv2.stylization(image, sigma_s=40, sigma_r=0.5),
    "3_cartoon": cartoon,
    "4_sketch": lambda image: cv2.cvtColor(cv2.pencilSketch(image, shade_factor=0.05)[0], cv2.COLOR_GRAY2BGR),
}


def stylize(photos: pathlib.Path, out: pathlib.Path) -> None:
    """Writes `out/{train,validation,test}/<style>/<class>/*.png`."""
    folders = [folder for split in ("train", "test") for folder in subfolders(photos / split).values()]
    for folder in tqdm(folders, unit="class"):
        for place, file in enumerate(image_files(folder)):
            turn, style = divmod(place, len(STYLES))
            split = "validation" if folder.parent.name == "train" and turn % 5 == 4 else folder.parent.name
            name = list(STYLES)[style]
            target = out / split / name / folder.name / f"{file.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            image = STYLES[name](letterbox(open_image(file), _SIDE)[..., ::-1].copy())
            Image.fromarray(image[..., ::-1]).save(target)


def main(argv: list[str]) -> None:
    """Writes the tasks."""
    with one_line_errors():
        if len(argv) != 3 or not all((pathlib.Path(argv[1]) / split).is_dir() for split in ("train", "test")):
            raise UserError("expected PHOTOS OUT, where PHOTOS has the form {train,test}/<class>/*.jpg")
        stylize(pathlib.Path(argv[1]), pathlib.Path(argv[2]))


if __name__ == "__main__":
    app.run(main)
