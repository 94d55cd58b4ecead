"""A golden directory: one image, the exact bytes a device must feed, and what the .tflite must answer."""

import dataclasses
import pathlib

import numpy as np
from PIL import Image

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.errors import UserError
from sdkd_tf.files import PathLike, read_json, write_json

TOLERANCE = 4 / 256  # of a probability or a saliency value: a few int8 steps, for kernels that round otherwise


@dataclasses.dataclass(frozen=True)
class Expected:
    """What expected.json holds: the answer of a file, and how far another one may be from it.

    Attributes:
      file: name of the .tflite.
      input_size: side of the square input in pixels.
      label: name of the class with the largest probability.
      labels: names of all classes.
      probabilities: of the classes.
      saliency: rows of the map.
      tolerance: largest difference of a probability or a saliency value.
    """

    file: str
    input_size: int
    label: str
    labels: list[str]
    probabilities: list[float]
    saliency: list[list[float]]
    tolerance: float


_README = """# Golden check

`image.png` is the photo, `input.bin` what the model is fed: {size} x {size} RGB pixels, one byte each, row by row.
`expected.json` holds what `{file}` answered here: `probabilities` of the classes, `label` of the largest, and
`saliency`, the map row by row.

On a phone: feed the bytes of `input.bin` as the input `image`, run, and compare. The largest probability must belong to `label`, and no
value may differ by more than `tolerance`. Then decode `image.png`, scale it as the app does, and compare the label again: what
differs now is the scaling.

Here: `sdkd verify {file} <this directory>`
"""


def write_golden(
    directory: PathLike, file_name: str, classifier: Classifier, image_path: PathLike, labels: list[str]
) -> None:
    """Writes image.png, input.bin, expected.json and README.md.

    Args:
      directory: an empty directory.
      file_name: of the .tflite, for the texts.
      classifier: the Classifier that answers.
      image_path: the image.
      labels: names of the classes.
    """
    directory = pathlib.Path(directory)
    image = open_image(image_path)
    pixels = letterbox(image, classifier.input_size)
    answer = classifier(pixels)
    image.save(directory / "image.png")
    (directory / "input.bin").write_bytes(pixels.tobytes())
    label = labels[int(answer.probabilities.argmax())]
    probabilities, saliency = answer.probabilities.tolist(), answer.saliency.tolist()
    expected = Expected(file_name, classifier.input_size, label, labels, probabilities, saliency, TOLERANCE)
    write_json(directory / "expected.json", expected)
    readme = _README.format(size=classifier.input_size, file=file_name)
    (directory / "README.md").write_text(readme, encoding="utf-8")


def read_golden(directory: PathLike) -> tuple[Image.Image, np.ndarray, Expected]:
    """Reads a golden directory.

    Returns:
      The image, the input uint8 `[s, s, 3]`, and the expected answer.

    Raises:
      UserError: a file is missing or does not fit the others.
    """
    directory = pathlib.Path(directory)
    for name in ("image.png", "input.bin", "expected.json"):
        if not (directory / name).is_file():
            raise UserError(f"golden directory {directory}: has no {name}; expected a directory written by convert.py")
    expected = read_json(directory / "expected.json", Expected, "convert.py")
    size, labels = expected.input_size, expected.labels
    fits = len(expected.probabilities) == len(labels) and expected.label in labels
    rows = {len(row) for row in expected.saliency}
    content = (directory / "input.bin").read_bytes()
    if not fits or len(rows) != 1 or size < 1 or len(content) != 3 * size * size:
        raise UserError(f"golden directory {directory}: its files do not fit each other; expected those of convert.py")
    return open_image(directory / "image.png"), np.frombuffer(content, np.uint8).reshape(size, size, 3), expected


def verify(path: PathLike, golden_dir: PathLike) -> list[str]:
    """Runs the golden input through a file and compares the answer.

    Args:
      path: a .tflite file, with or without the saliency output.
      golden_dir: a directory written by convert.py.

    Returns:
      Lines that say what was found equal.

    Raises:
      UserError: the file and the directory do not fit each other, or the answer differs.
    """
    classifier = Classifier(path)
    image, pixels, expected = read_golden(golden_dir)
    asked = (classifier.input_size, classifier.num_classes)
    held = (expected.input_size, len(expected.labels))
    if asked != held:
        raise UserError(
            f"golden directory {golden_dir}: is for input {held[0]} and {held[1]} classes; {path} has {asked[0]} and {asked[1]}"
        )
    if not np.array_equal(letterbox(image, classifier.input_size), pixels):
        raise UserError(f"golden directory {golden_dir}: image.png scaled to {asked[0]} is not input.bin")
    answer = classifier(pixels)
    top = int(answer.probabilities.argmax())
    if expected.labels[top] != expected.label:
        raise UserError(f"{path}: answers {expected.labels[top]}; expected {expected.label}")
    lines = [f"label {expected.label}: equal"]
    for name in ("probabilities", "saliency"):
        found, wanted = getattr(answer, name), np.array(getattr(expected, name))
        if found is None:
            continue
        if found.shape != wanted.shape:
            raise UserError(f"{path}: {name} has the shape {found.shape}; expected {wanted.shape}")
        difference = float(np.abs(found - wanted).max())
        if difference > expected.tolerance:
            raise UserError(f"{path}: {name} differs by {difference:.4f}; expected at most {expected.tolerance:.4f}")
        lines.append(f"{name}: largest difference {difference:.4f}")
    return lines
