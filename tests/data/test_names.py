"""Names as people and their machines write them: two codings of a letter, other separators, folders that nobody made."""

import os
import pathlib
import unicodedata

import pytest

from sdkd_tf.data.layouts.names import is_left_behind, natural_key, on_disk
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Problems
from sdkd_tf.errors import UserError
from tests.loading import load

SPLITS = "{train,validation,test}"
NFC, NFD = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")


def test_natural_order():
    names = ["b", "10", "2", "a10b", "a9b", "02", "1", "", "a", "9" * 5000]
    assert sorted(names, key=natural_key) == ["", "1", "02", "2", "10", "9" * 5000, "a", "a9b", "a10b", "b"]
    assert natural_key(NFC) == natural_key(NFD)


def test_the_bundled_benchmark_has_the_same_classes_in_natural_and_in_plain_order():
    classes = load("rendered").classes
    assert list(classes) == sorted(classes) and classes[2:4] == ("bottle_01", "bottle_02")


def test_classes_have_one_order_in_all_layouts(copy_images, tmp_path):
    names = ("1", "2", "10")
    copy_images(tmp_path / "tasks", f"{SPLITS}/t/{{1,2,10}}/0.jpg")
    copy_images(tmp_path / "release", f"{SPLITS}/pixel/segment1/{{1,2,10}}/0.jpg")
    copy_images(tmp_path / "folders", "t/{1,2,10}/{0,1,2}.jpg")
    copy_images(tmp_path / "csv", f"{SPLITS}/batch1/{{1,2,10}}.jpg")
    for folder in (tmp_path / "csv").glob("*/batch1"):
        (folder / "label.csv").write_text("file name,label\n10.jpg,10\n1.jpg,1\n2.jpg,2\n")
    lists = copy_images(tmp_path / "lists", "{train,test}/t/{1,2,10}/{0,1}.jpg") / "batches_filelists/domain/iros"
    lists.mkdir(parents=True)
    for name, split in (("train_batch_00", "train"), ("test", "test")):  # the labels have another order than the names
        rows = [f"{split}/t/{c}/{i}.jpg {label}\n" for label, c in enumerate(("10", "1", "2")) for i in (0, 1)]
        (lists / f"{name}.txt").write_text("".join(rows))
    for layout in ("tasks", "release", "folders", "csv", "lists"):
        sequence = load(tmp_path / layout)
        assert sequence.classes == names, layout
        labels = [example.label for example in sequence.tasks[0].test]
        assert labels == sorted(labels) and set(labels) == {0, 1, 2}
        for example in sequence.tasks[0].test:
            assert names[example.label] in (example.image.stem, example.image.parent.name)


def test_two_codings_of_one_name_are_one_class_one_task_and_one_choice(copy_images, tmp_path):
    copy_images(tmp_path, f"{{train,validation}}/{NFC}/{{mug,{NFC}}}/0.jpg", f"test/{NFD}/{{mug,{NFD}}}/0.jpg")
    sequence = load(tmp_path)
    assert sequence.classes == (NFC, "mug") and [task.name for task in sequence.tasks] == [NFC]
    assert sequence.tasks[0].test[0].image == tmp_path / "test" / NFD / NFD / "0.jpg"
    assert load(tmp_path, tasks=[NFD], objects=[NFD, "mug"]).classes == (NFC, "mug")
    assert DataOptions(tasks=(NFD,), objects=(NFD,)) == DataOptions(tasks=(NFC,), objects=(NFC,))
    (tmp_path / "test" / NFD / NFC).mkdir()
    with pytest.raises(UserError) as error:
        load(tmp_path)
    assert "has two folders with the same name ('cafe\\u0301' and 'caf\\xe9'); expected one" in str(error.value)


def test_lists_may_have_another_coding_than_the_disk_and_backslashes(copy_images, tmp_path):
    copy_images(tmp_path, f"{SPLITS}/batch1/{NFD}/{{{NFD}1,b}}.jpg")
    for folder in tmp_path.glob("*/batch1"):
        text = f"\ufefffile name,label\n{NFC}\\{NFC}1.jpg,{NFC}\n{NFC}/b.jpg, mug \n"
        (folder / "label.csv").write_text(text, encoding="utf-8")
    sequence = load(tmp_path)
    assert sequence.classes == (NFC, "mug")
    assert all(example.image.is_file() for example in sequence.tasks[0].examples)
    (tmp_path / "train/batch1/label.csv").write_text(f"file name,label\n..\\..\\x.jpg,{NFD}\n{NFC}/b.jpg,mug\n")
    with pytest.raises(
        UserError, match=r"label.csv:2: '..\\\\..\\\\x.jpg' leaves .*; expected a relative path inside it"
    ):
        load(tmp_path)


def test_a_name_on_disk_is_found_again_after_the_folder_has_changed(tmp_path):
    wanted = pathlib.PurePosixPath(NFC, "0.jpg")
    assert on_disk(tmp_path, wanted) == tmp_path / NFC / "0.jpg"  # as given, where there is none
    (tmp_path / NFD).mkdir()
    os.utime(tmp_path, ns=(1, 1))
    assert on_disk(tmp_path, wanted) == tmp_path / NFD / "0.jpg"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_with_a_byte_order_mark(copy_images, tmp_path, encoding):
    copy_images(tmp_path, "{train,test}/a/{cup,mug}/{0,1}.jpg")
    folder = tmp_path / "batches_filelists/domain/iros"
    folder.mkdir(parents=True)
    for name, split in (("train_batch_00", "train"), ("test", "test")):
        rows = [f"{split}\\a\\{c}\\{i}.jpg {label}\r\n" for label, c in enumerate(("cup", "mug")) for i in (0, 1)]
        (folder / f"{name}.txt").write_bytes("".join(rows).encode(encoding))
    assert [len(part) for task in load(tmp_path).tasks for part in (task.train, task.validation, task.test)] == [
        2,
        2,
        4,
    ]


def test_links_in_lists_are_fine_within_the_folder_and_the_folder_may_be_one(copy_images, tmp_path):
    real = copy_images(tmp_path / "real", f"images/{SPLITS}/{{cup,mug}}.jpg", f"{SPLITS}/batch1/x.txt")
    for split in ("train", "validation", "test"):
        for name in ("cup", "mug"):
            (real / split / f"batch1/{name}.jpg").symlink_to(f"../../images/{split}/{name}.jpg")
        (real / split / "batch1/label.csv").write_text("file name,label\ncup.jpg,cup\nmug.jpg,mug\n")
    (tmp_path / "link").symlink_to("real")
    for root in (real, tmp_path / "link"):
        assert [example.image.name for example in load(root).tasks[0].test] == ["cup.jpg", "mug.jpg"]
    (real / "test/batch1/cup.jpg").unlink()
    (real / "test/batch1/cup.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    with pytest.raises(UserError, match="label.csv:2: 'cup.jpg' leaves"):
        load(tmp_path / "link")


@pytest.mark.parametrize(
    "name",
    ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", ".ipynb_checkpoints", "lost+found", "#recycle"],
)
def test_folders_that_no_person_made_are_no_tasks_and_no_classes(copy_images, tmp_path, name):
    assert is_left_behind(name) and is_left_behind(name.upper())
    plain = copy_images(tmp_path / "plain", "desk/{cup,mug}/{0,1,2}.jpg", f"{name}/cup/0.jpg", f"desk/{name}/0.jpg")
    split = copy_images(tmp_path / "split", f"{SPLITS}/t/{{cup,mug}}/0.jpg", f"{SPLITS}/{name}/cup/0.jpg")
    for root, task in ((plain, "desk"), (split, "t")):
        sequence = load(root)
        assert sequence.classes == ("cup", "mug") and [task.name for task in sequence.tasks] == [task]


def test_files_that_no_person_made_are_no_images():
    assert all(map(is_left_behind, ("Thumbs.db", ".DS_Store", "desktop.ini", "._000.jpg")))
    assert not any(map(is_left_behind, ("000.jpg", "@home", "#1", "lost", "")))


def test_other_names_of_the_splits(copy_images, tmp_path):
    for number, names in enumerate(
        (("train", "val", "test"), ("Train", "Valid", "Test"), ("training", "val", "testing"))
    ):
        root = copy_images(tmp_path / str(number), f"{{{','.join(names)}}}/t/{{cup,mug}}/0.jpg")
        copy_images(root, f"masks/{names[1]}/t/cup/0.png")
        (task,) = load(root).tasks
        assert task.validation[0].image == root / names[1] / "t/cup/0.jpg" and task.validation[0].mask
        assert [len(part) for part in (task.train, task.validation, task.test)] == [2, 2, 2]
    csv = copy_images(tmp_path / "csv", "{train,val,test}/batch1/{0,1}.jpg")
    release = copy_images(tmp_path / "release", "{train,val,test}/pixel/segment1/{cup,mug}/0.jpg")
    for folder in csv.glob("*/batch1"):
        (folder / "label.csv").write_text("file name,label\n0.jpg,cup\n1.jpg,mug\n")
    assert len(load(csv).tasks[0].validation) == len(load(release).tasks[0].validation) == 2
    (csv / "validation").mkdir()
    with pytest.raises(
        UserError, match="csv/val, .*csv/validation: both name the split validation; expected one of them$"
    ):
        load(csv)


def test_classes_alone_are_one_task_with_the_name_of_the_folder(copy_images, tmp_path):
    plain = copy_images(tmp_path / NFD, "{cup,mug}/{0,1,2,3}.jpg", "masks/cup/0.png", "@eaDir/0.jpg")
    split = copy_images(tmp_path / "split", "{train,val,test}/{cup,mug}/0.jpg")
    for root, name, count in ((plain, NFC, 4), (split, "split", 2)):
        sequence = load(root)
        assert sequence.classes == ("cup", "mug") and [task.name for task in sequence.tasks] == [name]
        assert len(sequence.tasks[0].train) == count
    assert load(plain).tasks[0].train[0].mask == plain / "masks/cup/0.png"


@pytest.mark.parametrize("character", ["\n", "\r", "\x0b", "\x85", "\u2028", "\t"])
def test_names_with_control_characters_are_refused(copy_images, tmp_path, character):
    copy_images(tmp_path, f"{SPLITS}/batch1/{{0,1}}.jpg")
    for folder in tmp_path.glob("*/batch1"):
        with (folder / "label.csv").open("w", encoding="utf-8", newline="") as file:
            file.write(f'file name,label\n0.jpg,"cup{character}red"\n1.jpg,mug\n')
    with pytest.raises(UserError) as error:
        load(tmp_path)
    assert str(error.value).startswith(
        f"class {'cup' + character + 'red'!a}: contains a line break, another control character"
    )
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name, fits", [("ä" * 100, True), ("ä" * 101, False)])
def test_tasks_too_long_for_the_name_of_a_checkpoint_are_refused(copy_images, tmp_path, name, fits):
    problems = Problems()
    load(copy_images(tmp_path, f"{name}/{{cup,mug}}/{{0,1,2}}.jpg"), problems)
    assert problems.general == ([] if fits else [f"task {name!a}: has 202 bytes; expected 1 to 200"])


def test_white_space_around_names_does_not_count(copy_images, tmp_path):
    copy_images(tmp_path, "train/ t/{cup ,mug}/0.jpg", "{val,test}/t/{cup,mug}/0.jpg")
    sequence = load(tmp_path)
    assert sequence.classes == ("cup", "mug") and [task.name for task in sequence.tasks] == ["t"]
    assert sequence.tasks[0].train[0].image == tmp_path / "train/ t/cup /0.jpg"


@pytest.mark.parametrize(
    "text", ["file name;label\n{0};{1}\n", "file name\tlabel\n{0}\t{1}\n", "file name, label\n{0}, {1}\n"]
)
def test_csv_files_of_other_spreadsheets(copy_images, tmp_path, text):
    copy_images(tmp_path, f"{SPLITS}/batch1/{{0,1}}.jpg")
    for folder in tmp_path.glob("*/batch1"):
        rows = text.format("0.jpg", '"a, b"') + text.format("1.jpg", '"c; d"').partition("\n")[2]
        (folder / "label.csv").write_text(rows, newline="\r\n")
    assert load(tmp_path).classes == ("a, b", "c; d")


def test_a_split_of_loose_images_is_one_problem(copy_images, tmp_path):
    problems = Problems()
    sequence = load(copy_images(tmp_path, "{train,test}/{cup,mug}/0.jpg", "val/{0,1}.JPEG"), problems)
    assert sequence.classes == ("cup", "mug") and len(problems.general) == 1
    assert problems.general[0].startswith(f"{tmp_path}/val: holds no task folders; expected ")


def test_a_task_with_a_line_break_is_refused(copy_images, tmp_path):
    copy_images(tmp_path, "a\nb/{cup,mug}/{0,1,2}.jpg")
    with pytest.raises(UserError, match=r"^task 'a\\nb': contains a line break"):
        load(tmp_path)


def test_one_class_is_told(copy_images, tmp_path):
    problems = Problems()
    load(copy_images(tmp_path, f"{SPLITS}/t/cup/0.jpg"), problems)
    assert problems.general == [f"data_dir {tmp_path}: has one class, 'cup'; expected at least two"]
