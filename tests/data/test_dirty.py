"""Data as people have them: what can be read is read, what cannot is told, all of it, before the first step."""

import os
import pathlib
import shutil
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sdkd_tf.config import make_config
from sdkd_tf.data.checks import check_images
from sdkd_tf.data.layouts.listing import SPLITS
from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import Problems
from sdkd_tf.errors import UserError
from sdkd_tf.model import ARCHITECTURES
from sdkd_tf.model.vgg16 import VGG16Options
from sdkd_tf.training import train
from tests.loading import load

RNG = np.random.default_rng(0)


def photo(size=(64, 48)):
    """Another image every time."""
    return Image.fromarray(RNG.integers(0, 256, (*size[::-1], 3)).astype(np.uint8))


def truncate(path):
    photo().save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-900])


def directory(path):
    path.unlink()
    path.mkdir()


def loop(path):
    path.unlink()
    path.symlink_to(path.name)


def bomb(path):
    Image.new("1", (20000, 20000)).save(path, "PNG")


def mask_of(path):
    root, below = next((p, path.relative_to(p)) for p in path.parents if (p / "masks").is_dir())
    return root / "masks" / below.with_suffix(".png")


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo((48, 64)).save(path, "JPEG", exif=exif)  # upright it has the mask's size


# What is wrong -> how the line goes on that tells it.
BAD = {
    truncate: "cannot be read (image file is truncated",
    lambda path: path.write_bytes(b""): "cannot be read (cannot identify image file",
    lambda path: path.write_text("no image"): "cannot be read (cannot identify image file",
    directory: "cannot be read ([Errno 21] Is a directory",
    loop: "cannot be read ([Errno 40] Too many levels of symbolic links",
    bomb: "cannot be read (Image size (400000000 pixels) exceeds limit",
    lambda path: Image.new("L", (3, 3)).save(mask_of(path)): "is 3x3; expected 64x48, its image's size",
    lambda path: mask_of(path).write_bytes(b""): "cannot be read (cannot identify image file",
}
# What is not.
GOOD = [
    lambda path: photo().save(path, "PNG"),
    lambda path: photo().convert("CMYK").save(path, "JPEG"),
    lambda path: photo().convert("L").save(path, "JPEG"),
    lambda path: photo().convert("RGBA").save(path, "PNG"),
    lambda path: photo().convert("P").save(path, "GIF"),
    lambda path: Image.fromarray(np.full((48, 64), 40000, np.uint16)).save(path, "PNG"),
    turned,
    lambda path: mask_of(path).unlink(),
]


def write_tree(root):
    for split in SPLITS:
        for task in ("täsk 1", "task2"):
            for name in ("cup", "чашка"):
                for number in range(2):
                    image = root / split / task / name / f"{number} ü.jpg"
                    image.parent.mkdir(parents=True, exist_ok=True)
                    photo().save(image)
                    mask = root / "masks" / split / task / name / f"{number} ü.png"
                    mask.parent.mkdir(parents=True, exist_ok=True)
                    Image.new("L", (64, 48), 255).save(mask)
    return root


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / "data")


def check(root, **options):
    problems = Problems()
    sequence = load(root, problems=problems)
    return check_images(sequence, problems, **options), problems


@pytest.mark.parametrize("damage, reason", BAD.items())
def test_what_cannot_be_used_is_told_and_can_be_skipped(root, damage, reason):
    image = root / "train/task2/cup/0 ü.jpg"
    damage(image)
    with pytest.raises(UserError) as error:
        check(root)
    told = str(error.value)
    assert told.startswith((f"image {image}: {reason}", f"mask {mask_of(image)}: {reason}")) and "\n" not in told
    used, problems = check(root, skip_bad_images=True)
    assert list(problems.images) == [image]
    assert [[len(getattr(task, split)) for split in SPLITS] for task in used.tasks] == [[3, 4, 4], [4, 4, 4]]


@pytest.mark.parametrize("change", GOOD)
def test_what_can_be_read_is_used(root, change):
    image = root / "train/task2/cup/0 ü.jpg"
    change(image)
    used, problems = check(root)
    assert not problems.general and not problems.images
    (batch,) = make_dataset([e for e in used.tasks[0].train if e.image == image], 32, 1)
    assert batch["image"].shape == (1, 32, 32, 3) and np.isfinite(batch["image"]).all()


def test_a_name_that_is_no_utf8_is_told(root):
    strange = os.fsencode(root / "train/task2/cup") + b"/2 \xff.jpg"
    shutil.copyfile(root / "train/task2/cup/0 ü.jpg", strange)
    with pytest.raises(UserError) as error:
        check(root)
    assert str(error.value).isprintable() and str(error.value).endswith(
        "2 \\udcff.jpg': its name is not UTF-8; rename it"
    )


def test_all_problems_are_told_at_once(root):
    truncate(root / "train/task2/cup/0 ü.jpg")
    (root / "test/task2/cup/1 ü.jpg").write_bytes(b"")
    shutil.rmtree(root / "validation/task2/чашка")
    with pytest.raises(UserError) as error:
        check(root)
    first, *lines = str(error.value).split("\n")
    assert first == "the data have 3 problems:" and [line.split(":")[0] for line in lines] == [
        f"  class 'чашка' is in {root}/train/task2 but not in {root}/validation/task2; expected the same classes in every"
        " split of a task",
        f"  image {root}/train/task2/cup/0 ü.jpg",
        f"  image {root}/test/task2/cup/1 ü.jpg",
    ]
    with pytest.raises(UserError, match="^class 'чашка' is in"):
        check(root, skip_bad_images=True)


def test_a_class_of_which_nothing_is_left_cannot_be_skipped(root):
    for image in (root / "test/task2/cup").iterdir():
        image.write_bytes(b"")
    with pytest.raises(UserError, match="^task task2, test: no image of class 'cup' can be used; expected one$"):
        check(root, skip_bad_images=True)


def test_a_run_stops_before_it_writes_and_tells_what_it_skipped(root, tmp_path, monkeypatch):
    image = root / "train/task2/cup/0 ü.jpg"
    truncate(image)
    with pytest.raises(UserError, match="0 ü.jpg: cannot be read"):
        train(make_config(run_dir=tmp_path / "run", data_dir=root))
    assert not (tmp_path / "run").exists()
    built = []

    def build(num_classes, options):
        built.append(num_classes)
        raise KeyboardInterrupt  # what comes then is not about data

    monkeypatch.setitem(ARCHITECTURES, "none", (VGG16Options, build))
    told = []
    monkeypatch.setattr("builtins.print", lambda *args, **_: told.append(" ".join(map(str, args))))
    with pytest.raises(KeyboardInterrupt):
        train(make_config(run_dir=tmp_path / "run", data_dir=root, skip_bad_images=True, architecture="none"))
    assert built == [2] and told[0].startswith(
        f"skipping 1 images:\n  image {image}: cannot be read (image file is trunc"
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(SPLITS), st.sampled_from(["täsk 1", "task2"]), st.sampled_from(["cup", "чашка"])),
        st.sampled_from([*list(BAD)[:2], *list(BAD)[3:5], *list(BAD)[6:], *GOOD]),
        max_size=8,
    )
)
def test_exactly_the_bad_images_are_told(changes):
    with tempfile.TemporaryDirectory() as folder:
        root, bad = write_tree(pathlib.Path(folder)), set()
        for place, change in changes.items():
            image = root.joinpath(*place, "1 ü.jpg")
            change(image)
            bad |= {image} if change in BAD else set()
        used, problems = check(root, skip_bad_images=True)
        assert set(problems.images) == bad and not problems.general
        left = {example.image for task in used.tasks for split in SPLITS for example in getattr(task, split)}
        assert left == {path for split in SPLITS for path in (root / split).glob("*/*/*.jpg")} - bad
        if bad:
            with pytest.raises(UserError) as error:
                check(root)
            assert len(str(error.value).split("\n")) == (1 if len(bad) == 1 else len(bad) + 1)
