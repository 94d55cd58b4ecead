"""Pseudo-masks are what a map marks, in the size of the image, and only where a mask is missing."""

import dataclasses

import numpy as np
import pytest
import tf_keras as keras
from PIL import Image

from sdkd_tf.data.masks import open_mask
from sdkd_tf.data.pseudo_masks import with_pseudo_masks
from tests.loading import load


def network_that_marks(marked):
    """A network whose map is `marked`, `[4, 4]`, for every image."""
    image = keras.Input([64, 64, 3])
    pooled = keras.layers.AveragePooling2D(16)(image)
    logits = keras.layers.Flatten()(pooled)
    saliency = keras.layers.Lambda(lambda x: 0.0 * x[..., :1] + np.float32(marked)[None, ..., None])(pooled)
    return keras.Model(image, [logits, saliency, saliency, saliency])


@pytest.fixture
def sequence(write_sequence, tmp_path):
    """Two tasks; the first training image has a mask, the others do not."""
    found = load(str(write_sequence(tmp_path / "data", tasks=2)))
    first, *others = found.tasks[0].train
    bare = (first, *(dataclasses.replace(e, mask=None) for e in others))
    second = tuple(dataclasses.replace(e, mask=None) for e in found.tasks[1].train)
    return dataclasses.replace(
        found,
        tasks=(dataclasses.replace(found.tasks[0], train=bare), dataclasses.replace(found.tasks[1], train=second)),
    )


def test_what_the_map_marks_is_the_mask(sequence, tmp_path):
    marked = np.full((4, 4), 0.1)
    marked[:2, 1] = 0.9
    found = with_pseudo_masks(sequence, network_that_marks(marked), tmp_path / "masks")
    assert found.tasks[0].train[0] == sequence.tasks[0].train[0]  # it has a mask
    assert found.tasks[0].test == sequence.tasks[0].test
    new = [e for task in found.tasks for e in task.train][1:]
    assert len({e.mask for e in new}) == len(new)
    for example in new:
        with Image.open(example.image) as image:
            width, height = image.size
        mask = np.asarray(open_mask(str(example.mask))) > 127
        assert mask.shape == (height, width)
        # 2 of 16 cells, the upper half of the second column, with round corners.
        assert mask.mean() == pytest.approx(2 / 16, abs=0.03)
        assert mask[: height // 3, int(0.3 * width) : int(0.45 * width)].all() and not mask[:, width // 2 + 4 :].any()


@pytest.mark.parametrize("width, height", [(96, 64), (60, 90), (24, 16)])
def test_the_mask_is_where_the_map_is_also_beside_bars(sequence, tmp_path, width, height):
    """The bars are no multiple of a cell of the map: a disk in the middle of the map is in the middle of the mask."""
    rows = np.arange(4) - 1.5
    marked = np.exp(-(rows[:, None] ** 2 + rows[None] ** 2) / 3)
    example = sequence.tasks[0].train[1]
    Image.new("RGB", (width, height)).save(example.image)
    found = with_pseudo_masks(sequence, network_that_marks(marked), tmp_path / "masks").tasks[0].train[1]
    mask = np.asarray(open_mask(str(found.mask))) > 127
    y, x = np.argwhere(mask).mean(axis=0) + 0.5
    scale = 64 / max(width, height)
    assert mask.shape == pytest.approx((scale * height, scale * width), abs=0.5)
    assert (x, y) == pytest.approx((scale * width / 2, scale * height / 2), abs=0.6)
    # The disk has the radius at which exp(-r^2 / 3) is one half, 1.44 cells of 16 pixels.
    assert np.sqrt(mask.sum() / np.pi) == pytest.approx(1.44 * 16, rel=0.15)


def test_a_map_that_marks_nothing_is_no_mask(sequence, tmp_path):
    found = with_pseudo_masks(sequence, network_that_marks(np.full((4, 4), 0.4)), tmp_path / "masks")
    assert found == sequence and not list((tmp_path / "masks").iterdir())
