import io
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from sdkd_tf.data.images import crop_letterbox, letterbox, open_image, opened
from sdkd_tf.errors import UserError


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_gray_palette_and_cmyk_become_rgb(tmp_path):
    gray = save(tmp_path / "gray.png", np.full((2, 3), 70, np.uint8))
    assert (np.asarray(open_image(gray)) == 70).all() and open_image(gray).size == (3, 2)
    for mode, name in (("P", "p.png"), ("CMYK", "c.jpg")):
        red = np.zeros((8, 8, 3), np.uint8)
        red[..., 0] = 255
        assert np.abs(np.asarray(open_image(save(tmp_path / name, red, mode))).astype(int) - red).max() <= 3


@pytest.mark.parametrize("mode, options", [("RGBA", {}), ("LA", {}), ("P", {"transparency": 1})])
def test_transparent_is_black(tmp_path, mode, options):
    image = Image.new(mode, (2, 1))
    if mode == "P":
        image.putpalette([200, 200, 200, 255, 0, 0])
        image.putpixel((1, 0), 1)
    else:
        image = Image.fromarray(np.array([[[200, 200, 200, 255], [255, 0, 0, 0]]], np.uint8)).convert(mode)
    image.save(tmp_path / "a.png", **options)
    assert np.asarray(open_image(tmp_path / "a.png")).tolist() == [[[200] * 3, [0] * 3]]


def test_half_transparent_is_half_black(tmp_path):
    path = save(tmp_path / "a.png", np.array([[[200, 100, 0, 128]]], np.uint8))
    assert np.asarray(open_image(path)).tolist() == [[[100, 50, 0]]]


def test_sixteen_bit_gray_is_scaled(tmp_path):
    found = np.asarray(open_image(save(tmp_path / "deep.png", np.full((2, 2), 0x80FF, np.uint16))))
    assert (found == 0x80).all()


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the left half comes to the top
    found = np.asarray(open_image(save(tmp_path / "turned.jpg", pixels, exif=exif)))
    assert found.shape == (16, 8, 3) and found[:6].mean() > 250 and found[10:].mean() < 5


def with_exif(image, *entries):
    """A JPEG file with EXIF entries (tag, type, count, value of up to 4 bytes), as careless programs write them."""
    file = io.BytesIO()
    image.save(file, "JPEG")
    content = file.getvalue()
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHL", tag, kind, count) + value.ljust(4, b"\0") for tag, kind, count, value in entries
    )
    exif = b"Exif\0\0II*\0\x08\0\0\0" + directory + b"\0\0\0\0"
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]


TURNED = (0x112, 3, 1, b"\6\0")


@pytest.mark.parametrize(
    "entries, size",
    [
        ([TURNED, (0x128, 1, 1, b"\2")], (8, 16)),  # a unit as BYTE where SHORT belongs
        ([TURNED, (0x11A, 5, 1, b"\xff\xff\xff\xff")], (8, 16)),  # a fraction behind the end
        ([TURNED, (0x8769, 4, 1, b"\xff\xff\xff\xff")], (8, 16)),  # a directory behind the end
        ([TURNED, (0x10F, 2, 4000000000, b"abc")], (8, 16)),  # an endless text
        ([TURNED, (0x9999, 77, 1, b"\0")], (8, 16)),  # a type that is not defined
        ([(0x112, 2, 2, b"6")], (16, 8)),  # the orientation as text
        ([(0x112, 3, 1, b"\x63")], (16, 8)),  # one that is not defined
        ([(0x112, 5, 1, b"\xff\xff\xff\xff")], (16, 8)),
    ],
)
def test_odd_exif_costs_no_image(tmp_path, entries, size):
    (tmp_path / "odd.jpg").write_bytes(with_exif(Image.new("RGB", (16, 8)), *entries))
    assert open_image(tmp_path / "odd.jpg").size == size


def test_any_exif_costs_no_image(tmp_path):
    rng = np.random.default_rng(0)
    good = with_exif(Image.new("RGB", (16, 8)), TURNED, (0x128, 3, 1, b"\2"), (0x11A, 5, 1, b"\x08"))
    entries = good.index(b"II*") + 8, good.index(b"II*") + 8 + 2 + 3 * 12 + 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(300):
            damaged = bytearray(good)
            for place in rng.integers(*entries, 3):
                damaged[place] = rng.integers(256)
            (tmp_path / "odd.jpg").write_bytes(damaged)
            assert open_image(tmp_path / "odd.jpg").size in ((16, 8), (8, 16))


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0no TIFF", b"Exif\0\0MM\0*\xff\xff\xff\xff"])
@pytest.mark.parametrize("xmp", [b"", b"\xa8\xff", b'<x:xmpmeta tiff:Orientation="6"/>'])
def test_notes_of_other_programs_cost_no_image_and_turn_none(tmp_path, exif, xmp):
    Image.new("RGB", (16, 8)).save(tmp_path / "x.jpg", exif=exif, xmp=xmp)
    assert open_image(tmp_path / "x.jpg").size == (16, 8)


def swapped_profile():
    """A profile under which stored red is shown as green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">L", profile[128:132])[0]
    places = {bytes(profile[132 + 12 * i :][:4]): 132 + 12 * i for i in range(count)}
    red, green = (slice(places[name] + 4, places[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    profile[red], profile[green] = profile[green], profile[red]
    return bytes(profile)


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp"])
def test_a_color_profile_is_applied_and_dropped(tmp_path, name):
    Image.new("RGB", (16, 16), (200, 30, 30)).save(tmp_path / name, icc_profile=swapped_profile(), quality=100)
    image = open_image(tmp_path / name)
    assert np.abs(np.asarray(image, int) - (30, 200, 30)).max() <= 6 and not image.info


def test_a_profile_of_srgb_changes_nothing(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert (np.asarray(open_image(save(tmp_path / "s.png", pixels, icc_profile=profile))) == pixels).all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("profile", [b"", b"no profile", swapped_profile()[:200], "of RGB"])
def test_a_profile_that_does_not_fit_is_ignored(tmp_path, mode, profile):
    if profile == "of RGB":
        profile = swapped_profile() if mode != "RGB" else b""
    Image.new(mode, (16, 16), (90,) * len(mode) if mode != "L" else 90).save(tmp_path / "p.jpg", quality=100)
    plain = np.asarray(open_image(tmp_path / "p.jpg"))
    Image.open(tmp_path / "p.jpg").save(tmp_path / "q.jpg", quality=100, icc_profile=profile)
    assert np.abs(np.asarray(open_image(tmp_path / "q.jpg")).astype(int) - plain).max() <= 1


FORMATS = ["JPEG", "PNG", "BMP", "GIF", *(name for name in ("WEBP", "AVIF") if features.check(name.lower()))]


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_are_known_by_their_content(tmp_path, kind):
    Image.new("RGB", (16, 16), (200, 100, 50)).save(tmp_path / "x.jpg", kind)
    assert np.abs(np.asarray(open_image(tmp_path / "x.jpg")).astype(int) - (200, 100, 50)).max() <= 8


@pytest.mark.parametrize("kind", ["EPS", "TIFF", "PDF", "TGA", "PPM", "DDS", "SPIDER", "ICO", "JPEG2000"])
def test_no_other_decoder_is_started(tmp_path, kind, monkeypatch):
    Image.new("F" if kind == "SPIDER" else "RGB", (16, 16)).save(tmp_path / "x.any", kind)
    (tmp_path / "x.any").rename(tmp_path / "x.jpg")
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(UserError, match="x.jpg: cannot be read .cannot identify image file"):
        open_image(tmp_path / "x.jpg")


@pytest.mark.parametrize("kind", FORMATS)
def test_any_error_of_a_decoder_names_the_file(tmp_path, kind):
    file = io.BytesIO()
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8))
    photo.save(file, kind)
    rng = np.random.default_rng(1)
    read = 0
    for _ in range(60):
        damaged = bytearray(file.getvalue())
        for place in rng.integers(0, min(len(damaged), 600), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "x").write_bytes(damaged[: rng.integers(len(damaged) // 2, len(damaged) * 2)])
        try:
            read += open_image(tmp_path / "x").mode == "RGB"
        except UserError as error:
            assert str(error).startswith(f"image {tmp_path}/x: ") and "\n" not in str(error)
    assert read < 60


def test_the_first_picture_of_an_animation_is_read(tmp_path):
    pictures = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.webp"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], lossless=True)
        assert np.asarray(open_image(tmp_path / name))[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size, works", [((320, 10), True), ((330, 10), False), ((1, 200), False), ((1, 1), True)])
def test_a_picture_that_scales_to_less_than_a_pixel_is_told(tmp_path, size, works):
    Image.new("RGB", size, "white").save(tmp_path / "thin.png")
    if works:
        assert letterbox(open_image(tmp_path / "thin.png"), 32).max() == 255
    else:
        with pytest.raises(UserError, match=f"thin.png: is {size[0]}x{size[1]}, which may scale to less than a pixel"):
            open_image(tmp_path / "thin.png")


def test_a_photo_of_two_hundred_megapixels_is_opened_without_a_warning(tmp_path):
    for side, works in ((14200, True), (16400, False)):
        Image.new("1", (side, side)).save(tmp_path / "large.png")
        with warnings.catch_warnings(record=True) as told:
            warnings.filterwarnings("ignore", module=r"PIL\.")  # pytest has reset the filters
            try:
                with opened(tmp_path / "large.png") as file:
                    assert works and file.size == (side, side)
            except UserError as error:
                assert not works and "exceeds limit of 268435456 pixels" in str(error)
        assert not told


def test_a_large_note_beside_the_pixels_is_no_problem(tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "note.png", icc_profile=b"\0" * (3 << 20))
    assert np.asarray(open_image(tmp_path / "note.png"))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0"])
def test_unreadable_image_is_named(tmp_path, content):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad.jpg: cannot be read .* expected JPEG, PNG, "):
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
