"""Styled photos: every photo in one style and one split."""

import collections

import numpy as np
import pytest
from PIL import Image

cv2 = pytest.importorskip("cv2")

from tools.stylize import STYLES, cartoon, stylize  # noqa: E402


def test_every_photo_is_shown_once(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 8)):
        for name in ("a", "b"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                small = rng.integers(0, 255, (6, 4, 3), np.uint8)
                Image.fromarray(small).resize((40, 60)).save(folder / f"{number}.png")
    stylize(tmp_path / "photos", tmp_path / "out")
    found = [path.relative_to(tmp_path / "out").parts for path in (tmp_path / "out").rglob("*.png")]
    assert len(found) == 2 * 48
    assert len({(split != "test", name, file) for split, _, name, file in found}) == 2 * 48
    counts = collections.Counter(part[:2] for part in found)
    expected = {"train": 16, "validation": 4, "test": 4}
    assert counts == {(split, style): count for split, count in expected.items() for style in STYLES}
    with Image.open(tmp_path / "out" / "train" / "1_photo" / "a" / "0.png") as image:
        assert image.size == (256, 256)


def test_a_cartoon_has_few_colors():
    y, x = np.mgrid[:64, :64].astype(np.uint8)
    image = np.stack([4 * x, 4 * y, 255 - 4 * x], axis=-1)
    assert set(np.unique(cartoon(image))) <= {0, *range(16, 256, 32)}
