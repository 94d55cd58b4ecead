"""A golden directory: one image, the exact bytes a device must feed, and what the .tflite must answer."""

import json
import pathlib

import numpy as np

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.errors import UserError
from sdkd_tf.json_file import read_json

TOLERANCE = 4 / 256  # of a probability or a saliency value: a few int8 steps, for kernels that round otherwise

_EXPECTED = {
    "input_size": int,
    "label": str,
    "labels": [str],
    "probabilities": [float],
    "saliency": [[float]],
    "tolerance": float,
}
_README = """# Golden check

`image.png` is the photo, `input.bin` what the model is fed: {size} x {size} RGB pixels, one byte each, row by row.
`expected.json` holds what `{file}` answered here: `probabilities` of the classes, `label` of the largest, and
`saliency`, the map row by row.

On a phone: feed the bytes of `input.bin` as the input `image`, run, and compare. The largest probability must belong to `label`, and no
value may differ by more than `tolerance`. Then decode `image.png`, scale it as the app does, and compare the label again: what
differs now is the scaling.

Here: `python -m sdkd_tf.deploy.verify {file} <this directory>`
"""


def write_golden(directory, file_name, classifier, image_path, labels):
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
    expected = {
        "file": file_name,
        "input_size": classifier.input_size,
        "label": labels[int(answer.probabilities.argmax())],
        "labels": labels,
        "probabilities": answer.probabilities.tolist(),
        "saliency": answer.saliency.tolist(),
        "tolerance": TOLERANCE,
    }
    (directory / "expected.json").write_text(json.dumps(expected, indent=1))
    (directory / "README.md").write_text(_README.format(size=classifier.input_size, file=file_name))


def read_golden(directory):
    """Reads a golden directory.

    Returns:
      (image, pixels, expected): the PIL image, uint8 `[s, s, 3]`, and the dict of expected.json.

    Raises:
      UserError: a file is missing or does not fit the others.
    """
    directory = pathlib.Path(directory)
    for name in ("image.png", "input.bin", "expected.json"):
        if not (directory / name).is_file():
            raise UserError(f"golden directory {directory}: has no {name}; expected a directory written by convert.py")
    expected = read_json(directory / "expected.json", _EXPECTED, "convert.py")
    size, labels = expected["input_size"], expected["labels"]
    fits = len(expected["probabilities"]) == len(labels) and expected["label"] in labels
    rows = {len(row) for row in expected["saliency"]}
    content = (directory / "input.bin").read_bytes()
    if not fits or len(rows) != 1 or size < 1 or len(content) != 3 * size * size:
        raise UserError(f"golden directory {directory}: its files do not fit each other; expected convert.py's")
    expected["index"] = labels.index(expected["label"])
    return open_image(directory / "image.png"), np.frombuffer(content, np.uint8).reshape(size, size, 3), expected
