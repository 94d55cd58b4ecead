import numpy as np
from PIL import Image

from sdkd_tf.reporting.plots import plot_confusion


def test_right_labels_are_blue_and_mistakes_orange(tmp_path):
    plot_confusion(np.array([[9, 1], [0, 10]]), ["a", "b"], tmp_path / "plot.png")
    pixels = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB")).astype(int)
    red, green, blue = np.moveaxis(pixels, 2, 0)
    right, wrong = (np.argwhere(where) for where in (blue > red + 40, red > blue + 40))
    cell = 0.34 * 110  # pixels at most; the axes take their part of the margins
    assert 2 * cell**2 * 0.5 < len(right) and 0.3 < len(wrong) / (len(right) / 2) < 1.5
    # The mistake is in the upper row and the right column.
    assert wrong.mean(axis=0)[0] < right.mean(axis=0)[0] and wrong.mean(axis=0)[1] > right.mean(axis=0)[1]


def test_many_classes_have_colors_alone(tmp_path):
    plot_confusion(np.eye(121, dtype=int) * 5, [f"object_{i}" for i in range(121)], tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert 2000 < image.width < 3000
