"""Layouts of folders and CSV files, each as a small tree of bundled images."""

import shutil

import pytest

from sdkd_tf.errors import UserError
from tests.loading import load

SPLITS = "{train,validation,test}"


def names(sequence):
    return [task.name for task in sequence.tasks]


def paths(examples, root):
    return [str(example.image.relative_to(root)) for example in examples]


@pytest.fixture
def release(copy_images, tmp_path):
    factors, objects = "{clutter,illumination,occlusion,pixel}", "{bottle_01,bottle_02,cup_01}"
    return copy_images(tmp_path, f"{SPLITS}/{factors}/segment{{1,2,3,4,5,6,7,8,9}}/{objects}/000.jpg")


def test_release_merges_segments_to_levels(release):
    sequence = load(release)
    assert sequence.layout == "release" and sequence.classes == ("bottle_01", "bottle_02", "cup_01")
    factors = ("illumination", "occlusion", "pixel", "clutter")
    assert names(sequence) == [f"{factor}{level}" for factor in factors for level in (1, 2, 3)]
    assert [len(split) for task in sequence.tasks for split in (task.train, task.validation, task.test)] == [9] * 36
    occlusion2 = sequence.tasks[4]
    assert paths(occlusion2.train[3:6], release) == [
        f"train/occlusion/segment{number}/bottle_02/000.jpg" for number in (4, 5, 6)
    ]
    assert [example.label for example in occlusion2.test] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_release_parts(release):
    assert names(load(release, factors=["clutter", "pixel"], levels=[3, 1])) == [
        "pixel1", "pixel3", "clutter1", "clutter3",
    ]  # fmt: skip
    assert names(load(release, tasks=["pixel3", "clutter1"], max_tasks=1)) == ["pixel3"]
    sequence = load(release, objects=["cup_01", "bottle_02"], levels=["2"], max_tasks=1)
    assert sequence.classes == ("bottle_02", "cup_01")
    assert paths(sequence.tasks[0].validation[5:], release) == ["validation/illumination/segment6/cup_01/000.jpg"]
    assert sequence.tasks[0].validation[5].label == 1


def test_category_labels(release):
    sequence = load(release, labels="category", tasks=["pixel1"])
    assert sequence.classes == ("bottle", "cup")
    assert [example.label for example in sequence.tasks[0].train] == [0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert paths(sequence.tasks[0].train[3:4], release) == ["train/pixel/segment1/bottle_02/000.jpg"]


@pytest.mark.parametrize(
    "choice, message",
    [
        ({"tasks": ["pixel1", "pixel4"]}, "tasks names 'pixel4'; expected some of illumination1, illumination2, "),
        ({"tasks": ["pixel1", "pixel1"]}, "tasks names 'pixel1' twice; expected each name once"),
        ({"factors": ["color"]}, "factors names 'color'; expected some of illumination, occlusion, pixel, clutter$"),
        ({"levels": [4]}, "levels names '4'; expected some of 1, 2, 3$"),
        ({"objects": ["bottle"]}, "objects names 'bottle'; expected some of bottle_01, bottle_02, cup_01$"),
        ({"labels": "kind"}, "--labels=kind: expected one of category, instance"),
        ({"max_tasks": 0}, "--max_tasks=0: expected "),
        ({"filelist": "iros"}, "filelist is 'iros', but .* has the layout release; expected no filelist"),
    ],
)
def test_bad_choices(release, choice, message):
    with pytest.raises(UserError, match=message):
        load(release, **choice)


def test_release_with_gaps(release):
    (release / "train/pixel/segment2/cup_01/000.jpg").unlink()  # the release itself has empty object folders
    pixel1 = load(release, tasks=["pixel1"]).tasks[0]
    assert paths(pixel1.train[6:], release) == [f"train/pixel/segment{number}/cup_01/000.jpg" for number in (1, 3)]
    shutil.rmtree(release / "test/pixel/segment9")
    assert len(load(release, max_tasks=8).tasks) == 8  # what is not used may be incomplete
    with pytest.raises(UserError, match="test/pixel/segment9: no such directory; expected every task in train, "):
        load(release)
    for number in (1, 3):
        (release / f"train/pixel/segment{number}/cup_01/000.jpg").unlink()
    with pytest.raises(UserError, match=r"train/pixel/segment\{1,2,3\}/cup_01: holds no images for train; expected"):
        load(release, max_tasks=8)
    others = ["bottle_01", "bottle_02"]
    assert load(release, max_tasks=8, objects=others).classes == ("bottle_01", "bottle_02")
    shutil.rmtree(release / "validation")
    with pytest.raises(UserError, match="has no folder validation; expected train, validation and test"):
        load(release)


def test_folders_that_are_no_part_of_the_release(release):
    for folder, message in (("train/weather", "is not a factor; expected illumination, occlusion, pixel, clutter$"),
                            ("test/pixel/segment10", "is not a segment; expected segment1 to segment9$")):  # fmt: skip
        (release / folder).mkdir()
        with pytest.raises(UserError, match=f"{folder}: {message}"):
            load(release)
        (release / folder).rmdir()
    (release / "train/.thumbnails").mkdir()
    assert len(load(release).tasks) == 12


def test_targets_of_the_release(release):
    shipped = release / "mask_and_bbox/scence#3/pixel/30-200/cup_01"
    shipped.mkdir(parents=True)
    segment4 = release / "train/pixel/segment4/cup_01"
    shutil.move(segment4 / "000.jpg", segment4 / "007.jpg")
    shutil.copyfile(segment4 / "007.jpg", shipped / "007.png")
    (shipped / "007.txt").write_text("10.0\n20.0\n90.5\n128.0\n")
    sequence = load(release)
    found = [
        e for task in sequence.tasks for split in (task.train, task.validation, task.test) for e in split if e.mask
    ]
    assert [(e.image, e.mask, e.box) for e in found] == [(segment4 / "007.jpg", shipped / "007.png", (10, 20, 90, 128))]


def test_a_mask_that_fits_several_images(release):
    shipped = release / "mask_and_bbox/scence#3/pixel/30-200/cup_01"
    shipped.mkdir(parents=True)
    shutil.copyfile(release / "train/pixel/segment4/cup_01/000.jpg", shipped / "000.png")  # segment5 has a 000.jpg, too
    message = (
        r"1 masks match several images, such as .*/000.png, which matches .*/cup_01/000.jpg and .*;"
        r" expected one image per mask, or no masks$"
    )
    with pytest.raises(UserError, match=message):
        load(release)
    assert load(release, factors=["occlusion"]).layout == "release"


def test_targets_of_an_object_in_two_scenes(release):
    for scene, segment in ((2, 4), (5, 6)):
        object_folder = release / f"train/pixel/segment{segment}/cup_01"
        shutil.move(object_folder / "000.jpg", object_folder / f"00{segment}.jpg")
        shipped = release / f"mask_and_bbox/scence#{scene}/pixel/30-200/cup_01"
        shipped.mkdir(parents=True)
        shutil.copyfile(object_folder / f"00{segment}.jpg", shipped / f"00{segment}.png")
    train = load(release).tasks[7].train
    assert {e.image.name: e.mask.parts[-5] for e in train if e.mask} == {"004.jpg": "scence#2", "006.jpg": "scence#5"}
    shutil.copyfile(shipped / "006.png", release / "mask_and_bbox/scence#2/pixel/30-200/cup_01/006.png")
    with pytest.raises(UserError, match="#2.*/006.png, .*#5.*/006.png: both match .*/006.jpg; expected one of them$"):
        load(release)


def test_boxes_in_a_parallel_tree(copy_images, tmp_path):
    copy_images(tmp_path, f"{SPLITS}/task1/{{cup_01,cup_02}}/{{000,001}}.jpg", "masks/test/task1/cup_02/000.png")
    box = tmp_path / "boxes/test/task1/cup_02/000.txt"
    box.parent.mkdir(parents=True)
    box.write_text("1\n2\n30\n40\n")
    test = load(tmp_path).tasks[0].test
    assert [example.box for example in test] == [None, None, (1, 2, 30, 40), None]
    assert test[2].mask == tmp_path / "masks/test/task1/cup_02/000.png"
    for text in ("1\n2\n30\n", "1\n2\n30\nforty\n", "1\n2\n30\ninf\n", ""):
        box.write_text(text)
        with pytest.raises(
            UserError, match="cup_02/000.txt: cannot be read; expected four lines xmin, ymin, xmax, ymax"
        ):
            load(tmp_path)


def test_factors_and_levels_of_twelve_tasks(copy_images, tmp_path):
    assert names(load("rendered", factors=["pixel"], levels=[1, 3])) == ["task7", "task9"]
    copy_images(tmp_path, f"{SPLITS}/task{{1,2,10}}/{{cup,mug}}/000.jpg")
    assert names(load(tmp_path)) == ["task1", "task2", "task10"]
    with pytest.raises(UserError, match=r"levels is 1, but the tasks in this layout \(tasks\) have no level; expected"):
        load(tmp_path, levels=[1])
    with pytest.raises(UserError, match="labels is category, but no object has a number: cup; expected bottl"):
        load(tmp_path, labels="category")


@pytest.fixture
def first_round(copy_images, tmp_path):
    copy_images(tmp_path, f"{SPLITS}/batch{{1,2}}/{{a,b,c}}.jpg")
    for file in tmp_path.glob("*/batch?"):
        (file / "label.csv").write_text(",file name,label\n0,b.jpg,10\n1,a.jpg,2\n2,c.jpg,2\n")
    return tmp_path


def test_csv(first_round):
    sequence = load(first_round)
    assert sequence.layout == "csv" and names(sequence) == ["batch1", "batch2"]
    assert sequence.classes == ("2", "10")  # by number
    batch2 = sequence.tasks[1]
    assert paths(batch2.test, first_round) == [f"test/batch2/{name}.jpg" for name in "acb"]
    assert [example.label for example in batch2.test] == [0, 0, 1]
    with pytest.raises(UserError, match="factors is pixel, but the tasks in this layout .csv. have no factor"):
        load(first_round, factors=["pixel"])


@pytest.mark.parametrize(
    "text, message",
    [
        (
            ",file name,label\n0,../batch1/a.jpg,2\n",
            "label.csv:2: '../batch1/a.jpg' leaves .*; expected a relative path",
        ),
        (",file name,label\n0,/etc/passwd,2\n", "label.csv:2: '/etc/passwd' leaves"),
        (",file name,label\n0,a.jpg,2\n1,link.jpg,2\n", "label.csv:3: 'link.jpg' leaves"),
        (",file name,label\n0,.,2\n", "label.csv:2: '.' leaves"),
        (",file name,label\n0,a.jpg,\n", "label.csv:2: lacks a value; expected a file name and a label"),
        (
            ",file,label\n0,a.jpg,2\n",
            "label.csv: has the columns '', 'file', 'label'; expected 'file name' and 'label'",
        ),
        (",file name,label\n", "label.csv: lists no images"),
        ("", "label.csv: has the columns ; expected 'file name' and 'label'"),
        (",file name,label\n0,a.jpg,2\n", "class '10' is in .*batch2/label.csv but not in .*batch2/label.csv"),
        (b"\xff\xfe\x00", "label.csv: cannot be read .*; expected a CSV file in UTF-8"),
        (None, "test/batch2/label.csv: no such file; expected one in every batch"),
    ],
)
def test_bad_csv(first_round, text, message):
    (first_round / "test/batch2/link.jpg").symlink_to("/etc/passwd")
    file = first_round / "test/batch2/label.csv"
    file.unlink()
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        load(first_round)


def test_images_with_several_labels_or_listed_twice(first_round):
    file = first_round / "train/batch1/label.csv"
    sound = file.read_text()
    file.write_text(sound + "3,b.jpg,2\n")
    with pytest.raises(UserError, match="1 images have several labels, such as .*/train/batch1/b.jpg; expected one$"):
        load(first_round)
    file.write_text(sound + "3,b.jpg,10\n")
    with pytest.raises(UserError, match="1 images are listed twice in a task, such as .*/b.jpg; expected each once$"):
        load(first_round)


def test_plain_folders(copy_images, tmp_path):
    copy_images(tmp_path, "{kitchen,desk,desk10,desk9}/{mug,shoe}/{0,1,2,3,4,5,6,7,8,9,10,11}.jpg")
    copy_images(tmp_path, "masks/desk/mug/0.png", ".cache/mug/0.jpg", "desk/mug/._0.jpg")
    sequence = load(tmp_path)
    assert sequence.layout == "folders" and names(sequence) == ["desk", "desk9", "desk10", "kitchen"]
    assert names(load(tmp_path, tasks=["kitchen", "desk"])) == ["kitchen", "desk"]
    desk = sequence.tasks[0]
    assert [len(split) for split in (desk.train, desk.validation, desk.test)] == [10, 2, 8]
    assert paths(desk.validation + desk.test[:4], tmp_path) == [
        "desk/mug/6.jpg", "desk/shoe/6.jpg", "desk/mug/8.jpg", "desk/mug/9.jpg", "desk/mug/10.jpg", "desk/mug/11.jpg",
    ]  # fmt: skip
    assert [example.label for example in desk.test] == [0] * 4 + [1] * 4
    assert desk.train[0].mask == tmp_path / "masks/desk/mug/0.png" and desk.train[1].mask is None
    assert sequence.note == (
        "each class is split in file order: the last fifth is for testing (at least 5 of 15 images or more), the tenth before it for"
        " validation, the rest for training; 16 images between the splits are left out, because neighbors may look alike"
    )


def test_plain_folders_need_three_images_of_each_class(copy_images, tmp_path):
    copy_images(tmp_path, "{a,b}/mug/{0,1,2}.jpg", "a/shoe/{0,1}.jpg", "b/shoe/{0,1,2}.jpg")
    with pytest.raises(UserError, match="a/shoe: holds no images for train; expected .*the last fifth is for testing"):
        load(tmp_path)
    copy_images(tmp_path, "a/shoe/2.jpg")
    assert [len(s) for t in load(tmp_path).tasks for s in (t.train, t.validation, t.test)] == [2] * 6
    shutil.rmtree(tmp_path / "b/shoe")
    assert [len(s) for t in load(tmp_path).tasks for s in (t.train, t.validation, t.test)] == [2] * 3 + [1] * 3


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="has no task folders; expected train, validation and test, or <task>/<class>"):
        load(tmp_path)
