"""Writes figures."""

import pathlib

import matplotlib.pyplot as plt

from sdkd_tf.files import atomic_file


def save_figure(figure: plt.Figure, path: pathlib.Path, dpi: int = 110) -> None:
    """Writes a figure as a PNG file, atomically, and closes it."""
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=dpi)
    plt.close(figure)
