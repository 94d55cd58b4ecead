"""The same image, or almost the same, on both sides of a split."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sdkd_tf.data.checks import check_images, fingerprint
from sdkd_tf.data.duplicates import image_hash
from sdkd_tf.data.inspection import describe
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Problems
from sdkd_tf.errors import UserError
from tests.loading import load

SPLITS = "{train,val,test}"


@pytest.fixture
def root(copy_images, tmp_path):
    return copy_images(tmp_path, f"{SPLITS}/{{a,b}}/{{cup,mug}}/{{0,1}}.jpg")


def check(root):
    return check_images(load(root), Problems())


def lines(root):
    """What inspect says: (warnings, problems)."""
    description, problems = describe(DataOptions(data_dir=str(root)))
    return [line for line in description if line.startswith("warning: ")], problems


def test_different_images_are_neither(root, capsys):
    check(root)
    assert lines(root) == ([], []) and "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("test_task", ["a", "b"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_the_same_bytes_are_a_problem_within_a_task_and_across_tasks(root, test_task, split):
    for number in (0, 1):
        shutil.copyfile(root / f"train/a/cup/{number}.jpg", root / split / test_task / f"cup/{number}.jpg")
    with pytest.raises(UserError) as error:
        check(root)
    expected = (
        f"2 validation or test images are copies of training images, such as {root}/{split}/{test_task}/cup"
        f"/0.jpg and {root}/train/a/cup/0.jpg; expected each image in one split"
    )
    assert str(error.value) == expected
    assert lines(root) == ([], [expected])


def moved(image):  # by 1 % of its width
    large = image.resize((400, 400), Image.Resampling.BICUBIC)
    return large.crop((4, 0, 400, 400)).resize(image.size)


@pytest.mark.parametrize(
    "change",
    [lambda image: image.resize((64, 64)), lambda image: image.point(lambda value: min(255, int(value * 1.15))), moved],
)
def test_almost_the_same_is_a_warning(root, capsys, change):
    with Image.open(root / "train/a/cup/0.jpg") as image:
        change(image).save(root / "test/b/mug/1.jpg", quality=60)
    check(root)
    expected = (
        f"warning: 1 validation or test images look almost like training images, such as {root}/test/b/mug/1.jpg and"
        f" {root}/train/a/cup/0.jpg; accuracy on them says little"
    )
    assert expected in capsys.readouterr().out.splitlines()
    assert lines(root) == ([expected], [])


def test_images_of_one_color_and_different_things_on_white_do_not_look_alike(root):
    for split, color, box in (("train", "red", (30, 30, 90, 70)), ("test", "blue", (50, 20, 75, 100))):
        Image.new("RGB", (128, 128), color).save(root / split / "a/cup/1.png")
        horizon = Image.new("RGB", (128, 128), color)
        horizon.paste("white", (0, 0, 128, 64))
        horizon.save(root / split / "a/cup/2.png")
        product = Image.new("RGB", (128, 128), "white")
        ImageDraw.Draw(product).rectangle(box, fill=color)
        product.save(root / split / "a/mug/1.jpg")
    assert lines(root) == ([], [])


def test_what_cannot_be_read_is_left_out(root):
    (root / "test/a/cup/0.jpg").write_bytes(b"")
    warnings, problems = lines(root)
    assert not warnings and len(problems) == 1 and "cannot be read" in problems[0]


def test_the_difference_hash_by_hand(tmp_path):
    path = tmp_path / "x.png"
    pixels = np.zeros((17, 17), np.uint8)
    pixels[:, 5:] = 100  # one step to the right of column 4
    Image.fromarray(pixels).save(path)
    steps = image_hash(path, Image.open(path)).steps.reshape(2, 16, 16)
    assert steps[0, :, 4].tolist() == [1] * 16 and np.abs(steps).sum() == 16


def test_the_bundled_benchmark_passes_without_a_warning_and_keeps_its_fingerprint(capsys):
    sequence = load("rendered")
    one = dataclasses.replace(sequence, tasks=sequence.tasks[2:4])
    assert check_images(one, Problems()).tasks == one.tasks and "warning" not in capsys.readouterr().out
    assert fingerprint(sequence) == "b38ae63629031ffeb2c4ef1735da833793b2b3d15cee2faab65d6a542a946dbb"


@pytest.mark.long
def test_the_whole_bundled_benchmark_passes_without_a_warning():
    assert lines("rendered") == ([], [])
