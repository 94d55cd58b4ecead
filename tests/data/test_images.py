import numpy as np
import pytest
from PIL import Image

from sdkd_tf.data.images import crop_letterbox, letterbox, open_image, open_mask
from sdkd_tf.errors import UserError


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_grey_palette_and_cmyk_become_rgb(tmp_path):
    grey = save(tmp_path / "grey.png", np.full((2, 3), 70, np.uint8))
    assert (np.asarray(open_image(grey)) == 70).all() and open_image(grey).size == (3, 2)
    for mode, name in (("P", "p.png"), ("CMYK", "c.jpg")):
        red = np.zeros((8, 8, 3), np.uint8)
        red[..., 0] = 255
        assert np.abs(np.asarray(open_image(save(tmp_path / name, red, mode))).astype(int) - red).max() <= 3


def test_alpha_goes_over_white(tmp_path):
    rgba = np.zeros((1, 2, 4), np.uint8)
    rgba[0, 0, 3] = 255
    found = np.asarray(open_image(save(tmp_path / "a.png", rgba)))
    assert found[0, 0].tolist() == [0, 0, 0] and found[0, 1].tolist() == [255, 255, 255]


def test_sixteen_bit_grey_is_scaled(tmp_path):
    found = np.asarray(open_image(save(tmp_path / "deep.png", np.full((2, 2), 0x80FF, np.uint16))))
    assert (found == 0x80).all()


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the left half comes to the top
    found = np.asarray(open_image(save(tmp_path / "turned.jpg", pixels, exif=exif)))
    assert found.shape == (16, 8, 3) and found[:6].mean() > 250 and found[10:].mean() < 5


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0"])
def test_unreadable_image_is_named(tmp_path, content):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad.jpg: cannot be read .* expected a JPEG or PNG"):
        open_image(path)
    with pytest.raises(UserError, match="missing.jpg: no such file"):
        open_image(tmp_path / "missing.jpg")


def test_truncated_jpeg_is_refused(tmp_path):
    path = save(tmp_path / "cut.jpg", np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(UserError, match="cut.jpg"):
        open_image(path)


def test_letterbox_keeps_the_aspect():
    square = letterbox(Image.new("RGB", (40, 20), "white"), 8)
    assert square.shape == (8, 8, 3)
    assert (square[2:6] == 255).all() and (square[:2] == 0).all() and (square[6:] == 0).all()
    assert (crop_letterbox(square, 40, 20) == 255).all()
    assert crop_letterbox(square, 20, 40).shape == (8, 4, 3)


def test_mask_is_empty_where_it_is_transparent(tmp_path):
    rgba = np.full((1, 3, 4), 255, np.uint8)
    rgba[0, 1, 3] = 0
    rgba[0, 2, :3] = 0
    assert np.asarray(open_mask(save(tmp_path / "m.png", rgba))).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize(
    "value, kind, brightest", [(1, np.uint8, 1), (127, np.uint8, 127), (1, np.uint16, 1), (0x7F00, np.uint16, 127)]
)
def test_a_mask_that_only_looks_empty_is_refused(tmp_path, value, kind, brightest):
    path = save(tmp_path / "m.png", np.array([[0, value]], kind))
    with pytest.raises(UserError, match=f"m.png: its brightest pixel is {brightest}; expected 255 on the object"):
        open_mask(path)
    assert np.asarray(open_mask(save(tmp_path / "m.png", np.array([[0, np.iinfo(kind).max]], kind)))).tolist() == [
        [0, 255]
    ]
    assert not np.asarray(open_mask(save(tmp_path / "empty.png", np.zeros((1, 2), np.uint8)))).any()


def test_mask_is_binary(tmp_path):
    mask = open_mask(save(tmp_path / "m.png", np.array([[0, 100, 200, 255]], np.uint8)))
    assert np.asarray(mask).tolist() == [[0, 0, 255, 255]]
