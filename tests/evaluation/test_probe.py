"""The linear probe, on images that differ in color and on labels that mean nothing."""

import numpy as np
from PIL import Image

from sdkd_tf.evaluation.probe import probe_accuracy
from tests.loading import load

COLORS = {"blue": (20, 30, 200), "red": (200, 30, 20)}


def write(root, color_of):
    """Ten noisy images of each class in a plain folder, in the color that `color_of` gives for a class and a number."""
    rng = np.random.default_rng(0)
    for name in COLORS:
        (root / name).mkdir(parents=True)
        for number in range(10):
            pixels = np.array(COLORS[color_of(name, number)]) + rng.normal(0, 20, (64, 64, 3))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(root / name / f"{'abcdefghij'[number]}.png")
    return load(str(root))


def test_colors_are_told_apart(tmp_path):
    assert probe_accuracy(write(tmp_path / "colors", lambda name, _: name), 64) == 1.0


def test_labels_without_meaning_are_guessed(tmp_path):
    assert 0.0 < probe_accuracy(write(tmp_path / "mixed", lambda _, number: ["blue", "red"][number % 2]), 64) < 1.0
