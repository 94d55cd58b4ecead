"""Checks a .tflite against a golden directory: python -m sdkd_tf.deploy.verify FILE.tflite GOLDEN_DIR"""

import sys

import numpy as np

from sdkd_tf.data.images import letterbox
from sdkd_tf.deploy.golden import read_golden
from sdkd_tf.deploy.runtime import Classifier
from sdkd_tf.errors import UserError, one_line_errors


def verify(path, golden_dir):
    """Runs the golden input through a file and compares.

    Args:
      path: a .tflite, with or without the saliency output.
      golden_dir: a directory written by convert.py.

    Returns:
      A list of lines that say what was found equal.

    Raises:
      UserError: the file and the directory do not fit each other, or an answer differs.
    """
    classifier = Classifier(path)
    image, pixels, expected = read_golden(golden_dir)
    asked = (classifier.input_size, classifier.num_classes)
    held = (expected["input_size"], len(expected["labels"]))
    if asked != held:
        raise UserError(
            f"golden directory {golden_dir}: is for input {held[0]} and {held[1]} classes; {path} has {asked[0]} and {asked[1]}"
        )
    if not np.array_equal(letterbox(image, classifier.input_size), pixels):
        raise UserError(f"golden directory {golden_dir}: image.png scaled to {asked[0]} is not input.bin")
    answer = classifier(pixels)
    top = int(answer.probabilities.argmax())
    if top != expected["index"]:
        raise UserError(f"{path}: answers {expected['labels'][top]}; expected {expected['label']}")
    lines = [f"label {expected['label']}: equal"]
    for name in ("probabilities", "saliency"):
        found = getattr(answer, name)
        if found is None:
            continue
        if found.shape != np.shape(expected[name]):
            raise UserError(f"{path}: {name} has the shape {found.shape}; expected {np.shape(expected[name])}")
        difference = float(np.abs(found - expected[name]).max())
        if difference > expected["tolerance"]:
            raise UserError(f"{path}: {name} differs by {difference:.4f}; expected at most {expected['tolerance']:.4f}")
        lines.append(f"{name}: largest difference {difference:.4f}")
    return lines


def main(arguments):
    with one_line_errors():
        if len(arguments) != 2:
            raise UserError("expected python -m sdkd_tf.deploy.verify FILE.tflite GOLDEN_DIR")
        print("\n".join(verify(*arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
