"""Small data trees made of images of the bundled benchmark."""

import itertools
import shutil

import pytest

from sdkd_tf.data.rendered import rendered_benchmark


@pytest.fixture(scope="session", autouse=True)
def unpacked():
    """The bundled benchmark is in the cache folder, so that no command under test reports that it unpacks it."""
    rendered_benchmark()


@pytest.fixture
def copy_images():
    """A function that copies another bundled 128x128 image to each of some paths, which may contain {a,b} to expand."""
    sources = itertools.cycle(sorted((rendered_benchmark() / "train/task1").glob("*/00[0-4].jpg")))

    def expand(path):
        before, brace, rest = path.partition("{")
        if not brace:
            return [path]
        choices, _, after = rest.partition("}")
        return [before + choice + tail for choice in choices.split(",") for tail in expand(after)]

    def copy(root, *patterns):
        for path in (root / path for pattern in patterns for path in expand(pattern)):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(next(sources), path)
        return root

    return copy
