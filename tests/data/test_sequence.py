import dataclasses
import shutil

import pytest
from PIL import Image

from sdkd_tf.data.checks import check_images
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Problems, load_tasks
from sdkd_tf.data.targets import read_box
from sdkd_tf.errors import UserError
from tests.loading import load


@pytest.fixture
def root(write_sequence, tmp_path):
    return write_sequence(tmp_path, tasks=11)


def test_layout(root):
    sequence = load(root)
    assert sequence.classes == ("thing_00", "thing_01")
    assert [task.name for task in sequence.tasks] == [f"task{i}" for i in range(1, 12)]  # by number: task10 after task9
    example = sequence.tasks[1].train[4]
    assert example.image == root / "train/task2/thing_01/000.jpg" and example.label == 1
    assert example.mask == root / "masks/train/task2/thing_01/000.png"
    assert [len(split) for split in (sequence.tasks[0].train, sequence.tasks[0].validation)] == [8, 4]
    assert len(load(root, max_tasks=3).tasks) == 3


def test_masks_are_optional(root):
    shutil.rmtree(root / "masks")
    assert load(root).tasks[0].train[0].mask is None


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda root: shutil.rmtree(root / "test"), "has no folder test"),
        (lambda root: shutil.rmtree(root / "test/task2"), "test/task2: no such directory"),
        (
            lambda root: shutil.rmtree(root / "test/task2/thing_01"),
            "class 'thing_01' is in .*train/task2 but not in .*test/task2",
        ),
        (lambda root: (root / "train/task3/new").mkdir(), "train/task3/new: holds no images for train"),
        (lambda root: shutil.rmtree(root / "train") or (root / "train").mkdir(), "holds no task folder"),
        (lambda root: [p.unlink() for p in (root / "train/task1/thing_00").iterdir()], "thing_00: holds no image"),
    ],
)
def test_bad_layouts(root, damage, message):
    damage(root)
    with pytest.raises(UserError, match=message):
        load(root)


def test_missing_directory():
    with pytest.raises(UserError, match="/no/such: no such directory"):
        load("/no/such")


@pytest.mark.parametrize(
    "text, box",
    [
        ("3\n4\n20\n30\n", (3, 4, 20, 30)),
        ("\ufeff3\r\n4\r\n20\r\n30", (3, 4, 20, 30)),  # as Notepad writes it
        ("0.5 0.2 7.9 8", (0, 0, 7, 8)),
        ("0.0\n0.0\n1.0\n1.0\n", "has no number above 1, so it may be relative to the image"),
        ("0.1 0.2 0.7 0.9", "has no number above 1"),
        ("0 0 1 1", "has no number above 1"),
        ("3 4 20", "cannot be read"),
        ("0 0.5 0.5 0.2 0.3", "cannot be read"),  # YOLO's
        ("3 4 nan 30", "cannot be read"),
        ("3 4 inf 30", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_boxes(tmp_path, text, box):
    path = tmp_path / "box.txt"
    path.write_text(text, encoding="utf-8", newline="")
    if isinstance(box, tuple):
        assert read_box(path) == box
    else:
        with pytest.raises(UserError, match=f"^box {path}: {box}.*; expected four lines xmin, ymin, xmax, ymax"):
            read_box(path)


def test_bundled_benchmark():
    sequence = load("rendered")
    assert len(sequence.classes) == 20 and len(sequence.tasks) == 12
    for task in sequence.tasks:
        assert (len(task.train), len(task.validation), len(task.test)) == (400, 100, 100)
        assert all(example.mask for example in (*task.train, *task.validation, *task.test))
    used = check_images(dataclasses.replace(sequence, tasks=sequence.tasks[8:9]), Problems())
    assert used.tasks == sequence.tasks[8:9]
    with Image.open(used.tasks[0].test[0].mask) as mask:
        assert mask.size == (128, 128)


def test_new_classes_instead_of_new_conditions(write_sequence, tmp_path):
    """Each task has the images of all tasks of its classes."""
    root = str(write_sequence(tmp_path / "data", tasks=2, classes=3))
    plain = load(root)
    grouped = load(root, class_groups=(2, 1))
    assert [task.name for task in grouped.tasks] == ["classes1-2", "classes3-3"] and grouped.classes == plain.classes
    for split in ("train", "validation", "test"):
        every = [example for task in plain.tasks for example in getattr(task, split)]
        for task, labels in zip(grouped.tasks, ({0, 1}, {2})):
            assert list(getattr(task, split)) == [example for example in every if example.label in labels]
    with pytest.raises(
        UserError, match="class_groups is 2,2; expected numbers that add up to 3, the number of classes"
    ):
        load(root, class_groups=(2, 2))


def test_a_task_of_new_classes_without_images_is_refused(write_sequence, tmp_path):
    root = write_sequence(tmp_path, tasks=1, classes=2)
    options = DataOptions(data_dir=str(root), class_groups=(2, 2))
    with pytest.raises(UserError, match="class_groups: no image shows a class of task classes1-2"):
        load_tasks(options, known=["old_00", "old_01"])
    assert len(load_tasks(dataclasses.replace(options, class_groups=(4,)), known=["old_00", "old_01"]).tasks) == 1


def test_a_later_task_may_have_further_classes_and_lack_some(write_sequence, tmp_path):
    root = write_sequence(tmp_path / "data", tasks=2, classes=3)
    for split in ("train", "validation", "test"):
        shutil.rmtree(root / split / "task2/thing_00")
        (root / split / "task2/thing_01").rename(root / split / "task2/a_new_one")
    sequence = load(str(root))
    assert sequence.classes == ("thing_00", "thing_01", "thing_02", "a_new_one")
    assert {example.label for example in sequence.tasks[1].train} == {2, 3}
    assert load(str(root), problems=None, tasks=("task2",)).classes == ("a_new_one", "thing_02")
