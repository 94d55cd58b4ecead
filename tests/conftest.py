"""Small task sequences that tests write to disk."""

import numpy as np
import pytest
from PIL import Image

import sdkd_tf  # noqa: F401  sets TF_USE_LEGACY_KERAS before anything imports TensorFlow

import tensorflow as tf  # isort: skip

# Graphs that run a few steps are not worth TensorFlow's optimization of them, which takes longer than the steps.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session")
def write_sequence():
    """A function that writes a sequence of bright squares on noise, with masks; the square's color is the class."""

    def write(root, tasks=2, classes=2, train=4, held_out=2, size=64):
        rng = np.random.default_rng(0)
        for split, count in (("train", train), ("validation", held_out), ("test", held_out)):
            for task in range(1, tasks + 1):
                for label in range(classes):
                    for i in range(count):
                        image = rng.integers(0, 100, (size, size, 3)).astype(np.uint8)
                        x, y = rng.integers(5, size // 2, 2)
                        image[y : y + 25, x : x + 25, label] = 255
                        mask = np.zeros((size, size), np.uint8)
                        mask[y : y + 25, x : x + 25] = 255
                        for folder, array, suffix in ((".", image, "jpg"), ("masks", mask, "png")):
                            path = root / folder / split / f"task{task}" / f"thing_{label:02}" / f"{i:03}.{suffix}"
                            path.parent.mkdir(parents=True, exist_ok=True)
                            Image.fromarray(array).save(path, quality=95, subsampling=0)
        return root

    return write
