"""Avalanche's file lists over small trees of bundled images."""

import pytest

from sdkd_tf.data.sequence import Problems
from sdkd_tf.errors import UserError
from tests.loading import load


def paths(examples, root):
    return [str(example.image.relative_to(root)) for example in examples]


def write_lists(root, filelist, batches, test):
    """Writes lists of the images under some folders; the label is 1 for bottles and 0 for cups."""
    folder = root / "batches_filelists/domain" / filelist
    folder.mkdir(parents=True)
    lists = {f"train_batch_{index:02}.txt": patterns for index, patterns in enumerate(batches)} | {"test.txt": test}
    for name, patterns in lists.items():
        images = [path.relative_to(root) for pattern in patterns for path in sorted(root.glob(f"{pattern}/*/*.jpg"))]
        (folder / name).write_text("".join(f"{path} {int(path.parent.name == 'bottle_01')}\n" for path in images))
    return folder


def test_filelists(copy_images, tmp_path):
    copy_images(tmp_path, "train/clutter/segment{1,2,10}/{bottle_01,cup_01}/{0,1,2,3,4,5,6,7,8,9,10}.jpg")
    copy_images(tmp_path, "test/clutter/segment{1,2,10}/{bottle_01,cup_01}/{0,1}.jpg")
    write_lists(tmp_path, "iros", [["train/clutter/segment10", "train/clutter/segment1"], ["train/clutter/segment2"]],
                ["test/clutter/*"])  # fmt: skip
    sequence = load(tmp_path)
    assert sequence.layout == "filelists" and [task.name for task in sequence.tasks] == ["batch_00", "batch_01"]
    assert sequence.classes == ("bottle_01", "cup_01")  # named by their folders
    first, second = sequence.tasks
    assert [len(s) for task in sequence.tasks for s in (task.train, task.validation, task.test)] == [40, 4, 8, 20, 2, 4]
    assert paths(first.validation, tmp_path) == [
        f"train/clutter/{segment}/{name}/10.jpg"
        for name in ("bottle_01", "cup_01")
        for segment in ("segment1", "segment10")
    ]
    assert paths(second.test, tmp_path) == [
        f"test/clutter/segment2/{name}/{number}.jpg" for name in ("bottle_01", "cup_01") for number in (0, 1)
    ]
    assert [example.label for example in second.test] == [0, 0, 1, 1]
    assert "test set of a task: the lines of test.txt from the folders that it trains on" in sequence.note
    assert load(tmp_path, labels="category").classes == ("bottle", "cup")


def test_images_to_train_and_to_test_on(copy_images, tmp_path):
    copy_images(tmp_path, "train/a{1,2}/{bottle_01,cup_01}/{0,1,2}.jpg")
    write_lists(tmp_path, "iros", [["train/a1"], ["train/a2"]], ["train/a2"])
    message = (
        "6 images are in more than one of train, validation and test, such as .*/a2/bottle_01/0.jpg; expected one of "
    )
    with pytest.raises(UserError, match=message):
        load(tmp_path)


def test_filelists_in_another_order_of_the_factors(copy_images, tmp_path):
    factors = ("clutter", "illumination", "occlusion", "pixel")
    copy_images(tmp_path, f"{{train,test}}/{{{','.join(factors)}}}/segment{{1,4,7}}/{{bottle_01,cup_01}}/{{0,1}}.jpg")
    places = [f"{factor}/segment{number}" for factor in factors for number in (1, 4, 7)]
    write_lists(tmp_path, "iros", [[f"train/{place}"] for place in places], ["test/*/*"])
    (task,) = load(tmp_path, factors=["illumination"], levels=[3]).tasks
    assert task.name == "batch_05" and {e.image.parts[-3] for e in (*task.train, *task.test)} == {"segment7"}
    first = tmp_path / "batches_filelists/domain/iros/train_batch_00.txt"
    first.write_text(first.read_text().replace("segment1", "segment4") + first.read_text())  # two levels: neither
    assert len(load(tmp_path, factors=["clutter"], problems=Problems()).tasks) == 2


def test_filelists_whose_test_folders_do_not_tell_the_task(copy_images, tmp_path):
    copy_images(tmp_path, "train/a{1,2}/{bottle_01,cup_01}/{0,1}.jpg", "test/b/{bottle_01,cup_01}/{0,1}.jpg")
    write_lists(tmp_path, "pixel", [["train/a1"], ["train/a2"]], ["test/b"])
    sequence = load(tmp_path, filelist="pixel")
    assert len(sequence.tasks[0].test) == 4 and sequence.tasks[0].test == sequence.tasks[1].test
    assert "test set of every task: all of test.txt" in sequence.note
    with pytest.raises(UserError, match="filelist is 'iros'; expected one of pixel$"):
        load(tmp_path)
    for elsewhere in ("../../x", "../domain/pixel", str(tmp_path), "pixel/."):
        with pytest.raises(UserError, match=f"filelist is '{elsewhere}'; expected one of pixel$"):
            load(tmp_path, filelist=elsewhere)


@pytest.mark.parametrize(
    "filelist, batches, level3",
    [("iros", 12, ["batch_08", "batch_11"]), ("pixel", 9, ["batch_06", "batch_07", "batch_08"])],
)
def test_factors_and_levels_of_filelists(copy_images, tmp_path, filelist, batches, level3):
    copy_images(tmp_path, f"{{train,test}}/{{{','.join('abcdefghijkl'[:batches])}}}/{{bottle_01,cup_01}}/{{0,1}}.jpg")
    write_lists(tmp_path, filelist, [[f"train/{letter}"] for letter in "abcdefghijkl"[:batches]], ["test/*"])
    factors = ["pixel", "clutter"] if filelist == "iros" else ["pixel"]
    sequence = load(tmp_path, filelist=filelist, factors=factors, levels=[3])
    assert [task.name for task in sequence.tasks] == level3
    assert len(load(tmp_path, filelist=filelist, levels=[1]).tasks) == batches // 3


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("test.txt", "test/a1/../../../x.jpg 0\n", "test.txt:1: 'test/a1/../../../x.jpg' leaves"),
        ("train_batch_01.txt", "\n/etc/passwd 1\n", "train_batch_01.txt:2: '/etc/passwd' leaves"),
        ("train_batch_01.txt", "outside/x.jpg 1\n", "train_batch_01.txt:1: 'outside/x.jpg' leaves"),
        ("train_batch_01.txt", "train/a1/cup_01/0.jpg\n", "train_batch_01.txt:1: has no label; expected `path label`"),
        ("test.txt", "", "test.txt: lists no images; expected lines `path label`"),
        ("test.txt", None, "test.txt: no such file; expected a list of lines"),
        ("train_batch_00.txt", "train/a1/cup_01/0.jpg 0\n", "train_batch_00.txt/cup_01: holds no images for train"),
    ],
)
def test_bad_filelists(copy_images, tmp_path, tmp_path_factory, name, text, message):
    copy_images(tmp_path, "train/a{1,2}/{bottle_01,cup_01}/{0,1}.jpg", "test/a{1,2}/{bottle_01,cup_01}/0.jpg")
    (tmp_path / "outside").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    folder = write_lists(tmp_path, "iros", [["train/a1"], ["train/a2"]], ["test/*"])
    assert [len(task.test) for task in load(tmp_path).tasks] == [2, 2]
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    problems = Problems()
    load(tmp_path, problems=problems)
    assert any(str(folder) in problem and message in problem for problem in problems.general), problems
    with pytest.raises(UserError):
        load(tmp_path)
