import os
import unicodedata

import pytest
from PIL import Image

from sdkd_tf.data.checks import check_images
from sdkd_tf.data.leftovers import leftovers
from sdkd_tf.data.sequence import Problems
from sdkd_tf.errors import UserError
from tests.loading import load


@pytest.fixture
def root(copy_images, tmp_path):
    return copy_images(tmp_path, "{kitchen,desk}/{cup_01,café}/{000,001,002,003,004,005,006,007,008,009,010}.jpg")


def add(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (128, 128), 255).save(root / name, "PNG")


def test_nothing_is_told_of_sound_targets(root):
    add(root, "masks/kitchen/cup_01/000.png", "boxes/desk/cup_01/001.txt")
    add(root, "masks/.DS_Store", "masks/@eaDir/000.png", "masks/README.md", "masks/kitchen/cup_01/000.json")
    assert leftovers(root) == ([], [])


def test_targets_are_found_in_either_form_of_a_name(root):
    name = unicodedata.normalize("NFD", "masks/kitchen/café/000.png")
    add(root, name)
    assert leftovers(root) == ([], [])
    example = next(e for task in load(root).tasks for e in task.examples if e.image == root / "kitchen/café/000.jpg")
    assert example.mask == root / name


@pytest.mark.parametrize(
    "name, right",
    [
        ("masks/kitchen/cup_01/000.jpg", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/000.PNG", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/000.json", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/000_mask.png", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/mask-000.png", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/000mask.png", "masks/kitchen/cup_01/000.png"),
        ("masks/kitchen/cup_01/000.jpg.png", "masks/kitchen/cup_01/000.png"),
        ("masks/Kitchen/Cup 01/000.png", "masks/kitchen/cup_01/000.png"),
        ("boxes/kitchen/cup_01/000.xml", "boxes/kitchen/cup_01/000.txt"),
        ("boxes/kitchen/cup-01/000.txt", "boxes/kitchen/cup_01/000.txt"),
    ],
)
def test_a_target_with_another_name_is_told_with_the_right_one(root, name, right):
    tree = root / name.split("/")[0]
    add(root, right.replace("000", "010"), name)
    problems, warnings = leftovers(root)
    expected = f"1 of 2 files in {tree} match no image, such as {root / name}; expected {root / right}"
    assert problems == [expected] and not warnings
    add(root, right)  # as well: what is left over is no mistake
    problems, warnings = leftovers(root)
    assert not problems and len(warnings) == (not name.endswith((".json", ".xml")))


def test_targets_whose_images_are_gone_are_told(root):
    add(root, *(f"masks/kitchen/cup_01/{name}.png" for name in ("000", "017", "018")), "masks/toys/cup_01/000.png")
    assert leftovers(root) == (
        [],
        [
            f"3 of 4 files in {root}/masks match no image, such as {root}/masks/kitchen/cup_01/017.png;"
            " expected an image of that name without another target"
        ],
    )


def test_a_folder_of_targets_that_cannot_be_read_is_told(root, monkeypatch):
    add(root, "masks/kitchen/cup_01/000.png")
    scandir = os.scandir

    def deny(path):
        if str(path).endswith("masks/kitchen"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    problems, _ = leftovers(root)
    assert problems == [f"{root}/masks/kitchen: cannot be read (Permission denied); expected a readable folder"]


def test_pictures_that_are_not_read_are_told(root):
    add(root, "kitchen/cup_01/photo", "kitchen/cup_01/a.TIFF", "kitchen/cup_01/b.nef", "kitchen/b.nef")
    (root / "kitchen/cup_01/LICENSE").write_text("MIT")
    (line,) = leftovers(root)[1]
    assert line.startswith(f"{root}: 2 .nef, 1 .tiff, 1 without a suffix are not read; expected JPEG, PNG, ")


def test_a_run_is_told_as_well(root, capsys):
    add(root, "masks/kitchen/cup_01/000_mask.png", "masks/toys/000.png", "kitchen/cup_01/a.tif")
    problems = Problems()
    with pytest.raises(UserError, match="^1 of 2 files in .*masks match no image, such as .*/000_mask.png; expected"):
        check_images(load(root, problems=problems), problems)
    told = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("warning: ") for line in told) == len(told) >= 2
    assert any("1 .tif are not read" in line for line in told) and any("/masks/toys/000.png" in line for line in told)
