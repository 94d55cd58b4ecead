import numpy as np
import pytest
from PIL import Image

from sdkd_tf.reporting.contact_sheet import Cell, fitted, save_sheet

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


@pytest.mark.parametrize("size, scaled", [((4000, 3000), (240, 180)), ((30, 60), (120, 240)), ((64, 64), (240, 240))])
def test_pictures_keep_their_aspect_ratio(size, scaled):
    assert fitted(Image.new("RGB", size)).size == scaled


def test_pictures_are_in_rows_with_their_text_below(tmp_path):
    wide, high = Image.new("RGB", (240, 120), RED), Image.new("RGB", (120, 240), GREEN)
    cells = [Cell([wide, wide], ["a", "b"]), Cell([high], ["c"]), Cell([Image.new("RGB", (240, 240), BLUE)], ["d"])]
    save_sheet(tmp_path / "sheet.png", cells, columns=2)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    # Two columns of two pictures (244 each) and a gap of 16; rows of 240 + 17 for the text and a gap.
    assert sheet.shape == (16 + 2 * (240 + 17 + 16), 16 + 2 * (2 * 244 + 16), 3)
    places = {color: np.argwhere((sheet == color).all(axis=2)) for color in (RED, GREEN, BLUE)}
    boxes = {color: (*place.min(axis=0), *place.max(axis=0) + 1) for color, place in places.items()}
    assert boxes == {RED: (16, 16, 136, 500), GREEN: (16, 520, 256, 640), BLUE: (289, 16, 529, 256)}
    assert len(places[RED]) == 2 * 240 * 120 and len(places[GREEN]) == 120 * 240
    text = (sheet.sum(axis=2) < 300) & (sheet.max(axis=2) < 100)
    assert text[136:170, 16:60].any() and not text[136:170, 60:500].any()


def test_a_long_name_is_cut_at_its_start(tmp_path):
    picture = Image.new("RGB", (240, 100), RED)
    save_sheet(tmp_path / "sheet.png", [Cell([picture], ["x" * 500])] * 2, columns=2)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    assert (sheet[116:135, 262:274] == 255).all()  # between the two lines
