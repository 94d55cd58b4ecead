"""Images that the tests measure and change."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sdkd_tf.data.rendered import rendered_benchmark


@pytest.fixture
def disk():
    """(image, mask): a red disk, 60 of 96 pixels wide, on gray that is brighter to the right."""
    y, x = np.mgrid[:96, :96] + 0.5
    mask = (np.hypot(y - 48, x - 48) < 30).astype(np.float32)[..., None]
    gray = np.repeat((0.4 + 0.3 * x / 96)[..., None], 3, axis=2)
    return (np.where(mask > 0, [0.8, 0.2, 0.1], gray)).astype(np.float32), mask


@pytest.fixture(scope="session")
def bundled():
    """A function that gives (image, mask) of one training image of each object of a task of the bundled benchmark."""
    root = rendered_benchmark()

    def read(task):
        paths = sorted((root / f"train/task{task}").glob("*/003.jpg"))
        masks = [(root / "masks" / path.relative_to(root)).with_suffix(".png") for path in paths]
        return [
            (
                tf.constant(np.asarray(Image.open(path)) / np.float32(255)),
                tf.constant((np.asarray(Image.open(mask).convert("L")) > 127)[..., None].astype(np.float32)),
            )
            for path, mask in zip(paths, masks)
        ]

    return read
