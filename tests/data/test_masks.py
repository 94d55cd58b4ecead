import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sdkd_tf.data.masks import open_mask
from sdkd_tf.errors import UserError


def read(path):
    return (np.asarray(open_mask(path)) // 255).ravel().tolist()


def gray(values, kind=np.uint8):
    return Image.fromarray(np.array(values, kind).reshape(1 if len(values) < 16 else 16, -1))


def palette(indices, colors):
    image = Image.fromarray(np.array([indices], np.uint8), "P")
    image.putpalette([channel for index in range(256) for channel in colors.get(index, (0, 0, 0))])
    return image


def rgba(*pixels):
    return Image.fromarray(np.array([pixels], np.uint8))


RED, BLUE, CREAM, WHITE, BLACK = (128, 0, 0), (0, 0, 200), (224, 224, 192), (255, 255, 255), (0, 0, 0)
VOC = {1: RED, 5: BLUE, 255: CREAM}
MANY = range(0, 256, 4)


@pytest.mark.parametrize(
    "mask, expected",
    [
        (gray([0, 255, 0]), [0, 1, 0]),
        (gray([255, 255]), [1, 1]),
        (gray([0, 0]), [0, 0]),
        (gray([0, 1, 2]), [0, 1, 1]),  # numbers of objects
        (gray([0, 1]), [0, 1]),
        (gray([0, 100, 200, 255]), [0, 1, 1, 1]),
        (gray([0, 1, 300], np.uint16), [0, 1, 1]),
        (gray([0, 65535], np.uint16), [0, 1]),
        (gray(MANY), [value > 127 for value in MANY]),  # a soft edge
        (gray([value * 257 for value in MANY], np.uint16), [value > 127 for value in MANY]),
        (gray([0, 1, 2, 252, 255, 255]), [0, 0, 0, 1, 1, 1]),  # noise of JPEG
        (Image.fromarray(np.array([[False, True]])), [0, 1]),
        (palette([0, 5, 255], VOC), [0, 1, 0]),  # the border is no object
        (palette([0, 1, 5], VOC), [0, 1, 1]),
        (palette([0, 255], VOC), [0, 1]),  # alone it is one
        (palette([0, 1], {0: (120, 120, 120), 1: RED}), [0, 1]),  # ADE20K's background is no black
        (palette([1, 2], {1: RED}), [1, 0]),  # no index 0, but black
        (palette([0, 1], {0: WHITE}), [1, 0]),  # a program that makes PNG files smaller has sorted the colors
        (palette([0, 1, 2], {1: (90, 90, 90), 2: WHITE}), [0, 1, 1]),
        (Image.fromarray(np.array([[BLACK, RED, BLUE]], np.uint8)), [0, 1, 1]),
        (Image.fromarray(np.array([[BLACK, (1, 0, 0), (2, 0, 0)]], np.uint8)), [0, 1, 1]),  # numbers, as in COCO
        (Image.fromarray(np.array([[BLACK, WHITE]], np.uint8)), [0, 1]),
        (rgba((0, 0, 0, 0), (0, 0, 0, 255)), [0, 1]),
        (rgba((255, 255, 255, 0), (255, 255, 255, 255)), [0, 1]),
        (rgba((9, 9, 9, 0), (*RED, 255), (*BLUE, 200), (*BLUE, 50)), [0, 1, 1, 0]),
        (rgba((*BLACK, 255), (*WHITE, 255)), [0, 1]),  # nothing is transparent
        (rgba((0, 0, 0, 0), (0, 0, 0, 0)), [0, 0]),
        (rgba((0, 0, 0, 0), (*WHITE, 255)).convert("LA"), [0, 1]),
    ],
)
def test_all_but_background_is_object(tmp_path, mask, expected):
    mask.save(tmp_path / "m.png")
    assert read(tmp_path / "m.png") == list(map(int, expected))


def test_low_numbers_beside_255_are_objects_where_they_fill_an_area(tmp_path):
    mask = np.zeros((20, 20), np.uint8)
    mask[4:14, 4:14] = 255  # the border in PASCAL VOC without its palette
    mask[5:13, 5:13] = 7
    Image.fromarray(mask).save(tmp_path / "m.png")
    assert (np.asarray(open_mask(tmp_path / "m.png")) == 255 * (mask > 0)).all()


def test_a_transparent_index_is_background(tmp_path):
    palette([0, 5, 7], {5: RED, 7: BLUE}).save(tmp_path / "m.png", transparency=0)
    assert read(tmp_path / "m.png") == [0, 1, 1]


@pytest.mark.parametrize(
    "mask, reason",
    [
        (gray([1, 2, 3]), "has the values 1, 2, 3, none of which is background"),  # Oxford-IIIT Pets
        (gray([200, 200]), "has the values 200, none of which"),
        (gray(range(0, 128, 2)), "has more than 32 gray values, the largest of which is 126"),
        (gray(range(0, 0x7F00, 254), np.uint16), "has more than 32 gray values, the largest of which is 126"),
        (palette([0, 1, 2], {0: WHITE, 1: RED}), "neither index 0 nor black is clearly the background"),
        (palette([1, 5], VOC), "neither index 0 nor black is clearly the background"),
        (Image.fromarray(np.array([[RED, BLUE]], np.uint8)), "none of which is background"),
        (rgba((*BLACK, 255), (*WHITE, 255), (0, 0, 0, 0)), "has transparent, black and other pixels"),
        (rgba((255, 0, 0, 0), (255, 0, 0, 0)), "is transparent everywhere but not empty"),
        (rgba((0, 0, 0, 0), (0, 0, 0, 90)), "is transparent everywhere but not empty"),
    ],
)
def test_what_stays_ambiguous_is_refused(tmp_path, mask, reason):
    mask.save(tmp_path / "m.png")
    with pytest.raises(UserError, match=f"m.png: .*{re.escape(reason)}.*; expected 255 on the object and 0 elsewhere$"):
        open_mask(tmp_path / "m.png")


def test_a_photo_is_no_mask(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(UserError, match="m.png: has more than 256 colors"):
        open_mask(tmp_path / "m.png")


@pytest.mark.parametrize("quality", [50, 75, 90, 95, 100])
@pytest.mark.parametrize("size", [(64, 48), (640, 480)])
def test_noise_of_jpeg_is_no_object(tmp_path, quality, size):
    true = Image.new("L", size)
    ImageDraw.Draw(true).ellipse((size[0] * 0.3, size[1] * 0.2, size[0] * 0.7, size[1] * 0.8), fill=255)
    true.save(tmp_path / "m.jpg", quality=quality)
    Image.open(tmp_path / "m.jpg").save(tmp_path / "m.png")
    differing = np.asarray(open_mask(tmp_path / "m.png")) != np.asarray(true)
    assert differing.mean() < 0.01
