import shutil
import subprocess
import sys

import pytest
from PIL import Image

from sdkd_tf.data.images import EXPECTED

SPLITS = "{train,validation,test}"


@pytest.fixture
def root(copy_images, tmp_path):
    return copy_images(tmp_path, f"{SPLITS}/task{{1,2,10}}/{{cup_01,cup_02}}/{{0,1}}.jpg")


def inspect(*arguments):
    """(exit code, lines of standard output, standard error) of the command."""
    command = [sys.executable, "-m", "sdkd_tf.commands", "inspect", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_sound_data(root):
    mask = root / "masks/train/task1/cup_01/0.png"
    mask.parent.mkdir(parents=True)
    Image.new("L", (128, 128)).save(mask)
    Image.new("RGB", (60, 40)).save(root / "test/task10/cup_02/1.jpg")
    for name in ("0.TIF", "1.tif", "2.jxl", "notes.txt", "README", "more/3.jpg"):
        (root / "train/task1/cup_01" / name).parent.mkdir(exist_ok=True)
        (root / "train/task1/cup_01" / name).write_bytes(b"")
    code, lines, progress = inspect(root, "--tasks=task10,task1")
    assert code == 0 and lines == [
        f"{root}: layout tasks",
        "classes: 2 (cup_01, cup_02)",
        "tasks: 2, in this order, with images per split (fewest to most per class)",
        "  task10  train 4 (2 to 2)  validation 4 (2 to 2)  test 4 (2 to 2)",
        "  task1   train 4 (2 to 2)  validation 4 (2 to 2)  test 4 (2 to 2)",
        "images: 24, sizes 60x40 (1), 128x128 (23)",
        "masks: 1, boxes: 0",
        f"warning: {root}: 1 images are ignored, as they do not fit the layout, such as {root}/train/task1/cup_01/more/3.jpg",
        f"warning: {root}: 1 .jxl, 2 .tif are not read; {EXPECTED}",
        "problems: none",
    ]
    assert "reading images: 100%" in progress and "24/24" in progress


def release(root, copy_images):
    copy_images(root, f"{SPLITS}/{{illumination,clutter}}/segment{{1,2,3,4,5,6}}/{{cup_01,cup_02}}/0.jpg")
    return "release", ["illumination1", "illumination2", "clutter1", "clutter2"], (6, 6, 6), 72


def csv(root, copy_images):
    copy_images(root, f"{SPLITS}/batch{{1,2}}/{{0,1}}.jpg")
    for folder in root.glob("*/batch?"):
        (folder / "label.csv").write_text(",file name,label\n0,0.jpg,cup_01\n1,1.jpg,cup_02\n")
    return "csv", ["batch1", "batch2"], (2, 2, 2), 12


def filelists(root, copy_images):
    copy_images(root, "{train,test}/{a,b}/{cup_01,cup_02}/{0,1,2}.jpg")
    folder = root / "batches_filelists/domain/iros"
    folder.mkdir(parents=True)
    for name, part in (("train_batch_00", "train/a"), ("train_batch_01", "train/b"), ("test", "test")):
        images = sorted(str(image.relative_to(root)) for image in (root / part).rglob("*.jpg"))
        (folder / f"{name}.txt").write_text("".join(f"{image} {int('cup_02' in image)}\n" for image in images))
    return "filelists", ["batch_00", "batch_01"], (4, 2, 6), 24


def folders(root, copy_images):
    copy_images(root, "{desk,kitchen}/{cup_01,cup_02}/{0,1,2,3}.jpg")
    return "folders", ["desk", "kitchen"], (4, 2, 2), 16


@pytest.mark.parametrize("write", [release, csv, filelists, folders])
def test_every_layout_is_told(tmp_path, copy_images, write):
    layout, tasks, counts, images = write(tmp_path, copy_images)
    code, lines, _ = inspect(tmp_path)
    assert code == 0 and lines[0].startswith(f"{tmp_path}: layout {layout}")
    assert lines[1] == "classes: 2 (cup_01, cup_02)" and lines[2].startswith(f"tasks: {len(tasks)}, ")
    cells = "  ".join(
        f"{split} {n} ({n // 2} to {n // 2})" for split, n in zip(("train", "validation", "test"), counts)
    )
    assert [line.split(maxsplit=1) for line in lines[3 : 3 + len(tasks)]] == [[task, cells] for task in tasks]
    assert lines[3 + len(tasks) :] == [
        f"images: {images}, sizes 128x128 ({images})", "masks: 0, boxes: 0", "problems: none",
    ]  # fmt: skip


def test_every_problem_is_told(root):
    cup = root / "train/task1/cup_01"
    (cup / "0.jpg").write_bytes(b"")
    (root / "train/task1/cup_02/0.jpg").write_text("no image")
    for path, size in (("masks/train/task1/cup_01/1.png", (3, 3)), ("masks/train/task2/cup_01/1.png", (128, 128))):
        (root / path).parent.mkdir(parents=True)
        Image.new("L", size).save(root / path)
    for path, text in (("train/task2/cup_02/0.txt", "0\n0\n128\n129\n"), ("train/task2/cup_02/1.txt", "0\n0\n128\n")):
        (root / "boxes" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "boxes" / path).write_text(text)
    shutil.rmtree(root / "test/task2/cup_01")
    shutil.rmtree(root / "validation/task10")
    for image in (root / "validation/task2/cup_02").iterdir():
        image.unlink()
    code, lines, _ = inspect(root)
    assert code == 1 and "  task2   train 4 (2 to 2)  validation 2 (0 to 2)  test 2 (0 to 2)" in lines
    start = lines.index("problems: 8")
    assert lines[start - 1] == "masks: 2, boxes: 1"
    starts = [
        f"  class 'cup_01' is in {root}/train/task2 but not in {root}/test/task2; expected the same classes",
        f"  {root}/validation/task2/cup_02: holds no images for validation; expected *.jpg or *.png",
        f"  {root}/validation/task10: no such directory; expected every task in train, validation and test",
        f"  image {cup}/0.jpg: cannot be read (",
        f"  mask {root}/masks/train/task1/cup_01/1.png: is 3x3; expected 128x128, its image's size",
        f"  image {root}/train/task1/cup_02/0.jpg: cannot be read (",
        f"  box of {root}/train/task2/cup_02/0.jpg: is 0, 0, 128, 129; expected 0 <= xmin < xmax <= 128 and 0 <=",
        f"  box {root}/boxes/train/task2/cup_02/1.txt: cannot be read; expected four lines xmin, ymin, xmax, ymax",
    ]
    for expected in starts:
        assert sum(line.startswith(expected) for line in lines[start + 1 :]) == 1, expected


def test_several_folders(root, copy_images):
    other = copy_images(root / "train/task1", "{a,b}/{0,1,2,3}.jpg")
    code, lines, _ = inspect(root / "train", other)
    assert [line.split(": layout")[0] for line in lines if ": layout" in line] == [str(root / "train"), str(other)]
    assert code == 1 and sum(line.startswith("problems: ") for line in lines) == 2


def test_a_missing_split_is_one_problem(root):
    shutil.rmtree(root / "validation")
    code, lines, _ = inspect(root, "--labels=category")
    assert code == 1 and "classes: 1 (cup)" in lines
    assert "  task10  train 4 (4 to 4)  validation 0 (0 to 0)  test 4 (4 to 4)" in lines
    assert lines[-3:] == [
        "problems: 2",
        f"  data_dir {root}: has no folder validation; expected train, validation and test",
        f"  data_dir {root}: has one class, 'cup'; expected at least two",
    ]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "error: no folder given; expected one or more, or `rendered` for the bundled benchmark\n"),
        (("/no/such",), "error: data_dir /no/such: no such directory; expected "),
        (("rendered", "--factors=color"), "error: factors names 'color'; expected some of illumination, occlusion, "),
    ],
)
def test_user_errors_are_one_line(arguments, message):
    code, lines, error = inspect(*arguments)
    assert code == 1 and not lines and error.startswith(message) and error.count("\n") == 1


MEMORY = """
import resource, sys
from sdkd_tf.data.inspection import describe
from sdkd_tf.data.selection import DataOptions
describe(DataOptions(data_dir=sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    Image.new("RGB", (3000, 2000)).save(tmp_path / "photo.png")  # 24 MB
    peaks = []
    for count in (2, 8):
        for name in (f"{label}/{number}.png" for label in ("a", "b") for number in range(count)):
            path = tmp_path / str(count) / "task" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(tmp_path / "photo.png")
        command = [sys.executable, "-c", MEMORY, str(tmp_path / str(count))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 60


def test_classes_that_a_task_adds_or_lacks_are_listed(write_sequence, tmp_path):
    root = write_sequence(tmp_path / "data", tasks=2, classes=3)
    for split in ("train", "validation", "test"):
        (root / split / "task2/thing_01").rename(root / split / "task2/thing_10")
    _, lines, _ = inspect(root)
    assert not any("not here" in line for line in lines if "  task1 " in line)
    (line,) = (line for line in lines if line.startswith("  task2 "))
    assert line.endswith("  new: thing_10  not here: thing_01")
