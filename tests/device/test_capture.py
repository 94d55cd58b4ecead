"""The page that collects photos, in headless Chromium without a model: its zip is read as a data folder."""

import collections
import datetime
import pathlib
import zipfile

import pytest
from PIL import Image

from sdkd_tf.data.inspection import describe
from sdkd_tf.data.layouts import listing, names
from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.data.targets import TREES
from sdkd_tf.errors import UserError
from tests.device.conftest import phone_page

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"


@pytest.fixture(scope="module")
def origin(serve):
    return serve(WEB)


@pytest.fixture
def page(browser, origin):
    """The page for capturing, see `phone_page`."""
    with phone_page(browser, origin) as page:
        page.goto(origin + "capture.html")
        yield page


def status(page):
    return page.locator("#status").inner_text()


def add_class(page, name):
    page.fill("#name", name)
    page.click("text=add")


def section(page, name):
    return page.locator(".class", has=page.get_by_role("heading", name=name, exact=True))


def count(page, name):
    return section(page, name).locator(".count").inner_text()


def start_camera(page):
    page.click("#camera")
    page.wait_for_function("document.getElementById('video').videoWidth > 0")


def take(page, name, photos):
    """Taps the button of a class, once for each photo."""
    before = section(page, name).locator("li").count()
    for taken in range(before + 1, before + photos + 1):
        section(page, name).locator(".take").click()
        section(page, name).locator("li").nth(taken - 1).wait_for()


def hold(page, name, photos):
    """Holds the button of a class until there are so many photos more."""
    items = section(page, name).locator("li")
    wanted = items.count() + photos
    section(page, name).locator(".take").hover()
    page.mouse.down()
    items.nth(wanted - 1).wait_for()
    page.mouse.up()


def download(page, folder):
    """Downloads the zip and unpacks it to `folder`. Returns its name."""
    with page.expect_download() as started:
        page.click("#download")
    with zipfile.ZipFile(started.value.path()) as archive:
        assert archive.testzip() is None
        assert {(entry.create_system, entry.external_attr >> 16) for entry in archive.infolist()} == {(3, 0o100644)}
        archive.extractall(folder)
    return started.value.suggested_filename


def images(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))


def counts(folder):
    """Folder -> number of images in it."""
    return collections.Counter(path.rpartition("/")[0] for path in images(folder))


def test_photos_are_downloaded_as_a_task(page, tmp_path):
    page.fill("#task", "kitchen light")
    for name in ("cup", "bottle"):
        add_class(page, name)
    start_camera(page)
    for name in ("cup", "bottle"):
        take(page, name, 3)
        assert count(page, name) == "3 photos"
    newest = section(page, "bottle").locator("li button").first
    deleted = newest.get_attribute("aria-label").removeprefix("delete ")
    newest.click()
    assert count(page, "bottle") == "2 photos"
    start = datetime.datetime.now(datetime.UTC)
    assert download(page, tmp_path) == "kitchen light.zip"
    assert status(page) == (
        "kitchen light.zip: 5 photos of 2 classes; training needs two classes or more, of three photos or more"
    )
    assert counts(tmp_path) == {"kitchen light/bottle": 2, "kitchen light/cup": 3}
    assert f"kitchen light/bottle/{deleted}" not in images(tmp_path)
    with pytest.raises(UserError, match="bottle"):  # two photos cannot be split
        load_tasks(DataOptions(data_dir=str(tmp_path)))

    take(page, "bottle", 1)
    download(page, tmp_path)
    for root, data_dir in ((tmp_path, tmp_path), (tmp_path, tmp_path / "kitchen light")):
        sequence = load_tasks(DataOptions(data_dir=str(data_dir)))
        (task,) = sequence.tasks
        assert (sequence.layout, sequence.classes, task.name) == ("folders", ("bottle", "cup"), "kitchen light")
        assert sorted(example.label for example in task.examples) == [0, 0, 0, 1, 1, 1]
        assert sorted(e.image.relative_to(root).as_posix() for e in task.examples) == images(root)
    width, height = page.evaluate("[video.videoWidth, video.videoHeight]")
    for path in tmp_path.rglob("*.jpg"):
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.size) == ("JPEG", (width, height))
        taken = datetime.datetime.strptime(path.stem, "%Y%m%dT%H%M%S%fZ_000").replace(tzinfo=datetime.UTC)
        assert abs(taken - start) < datetime.timedelta(minutes=1)
    description, problems = describe(DataOptions(data_dir=str(tmp_path)))
    assert f"images: 6, sizes {width}x{height} (6)" in description and problems == []


def test_each_hold_is_a_clip_and_names_sort_by_time(page, tmp_path):
    page.fill("#task", "Küche")
    add_class(page, "cup")
    add_class(page, "ball")
    start_camera(page)
    for _ in range(5):
        for name in ("cup", "ball"):
            hold(page, name, 2)
    newest_first = [
        button.get_attribute("aria-label")[7:] for button in section(page, "cup").locator("li button").all()
    ]
    download(page, tmp_path)
    folder = tmp_path / "Küche" / "cup"
    assert [path.name for path in listing.image_files(folder)] == newest_first[::-1]
    sequence = load_tasks(DataOptions(data_dir=str(tmp_path)))
    assert "2 of 2 class folders are split by clips" in sequence.note
    (task,) = sequence.tasks
    clips = [{e.image.stem[:-4] for e in split if e.label == 1} for split in (task.train, task.validation, task.test)]
    assert sum(map(len, clips)) == len(set.union(*clips)) == 5


def test_the_next_task_keeps_the_classes(page, tmp_path):
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.accept()))
    add_class(page, "cup")
    start_camera(page)
    for task, asked in (("kitchen", 0), ("desk", 0), ("", 1)):
        take(page, "cup", 1)
        if task:
            page.fill("#task", task)
            assert download(page, tmp_path) == f"{task}.zip"
        page.click("#next")
        assert count(page, "cup") == "0 photos" and page.input_value("#task") == "" and len(questions) == asked
    assert counts(tmp_path) == {"desk/cup": 1, "kitchen/cup": 1}
    assert questions == ["Some photos were not downloaded. Delete them?"]


def test_the_browser_asks_before_photos_are_lost(page):
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.dismiss()))
    add_class(page, "cup")
    start_camera(page)
    take(page, "cup", 1)
    page.click("text=Recognize objects", no_wait_after=True)
    page.wait_for_timeout(500)
    assert questions == ["beforeunload"] and count(page, "cup") == "1 photo"


def test_a_class_is_removed_after_a_question(page):
    answers = iter((False, True))
    page.on("dialog", lambda dialog: dialog.accept() if next(answers) else dialog.dismiss())
    add_class(page, "cup")
    start_camera(page)
    take(page, "cup", 1)
    for left in (1, 0):
        section(page, "cup").locator(".remove").click()
        assert page.locator(".class").count() == left


def test_a_finger_on_the_button_takes_photos(page):
    add_class(page, "cup")
    start_camera(page)
    finger = page.context.new_cdp_session(page)
    box = section(page, "cup").locator(".take").bounding_box()
    points = [{"x": box["x"] + 50, "y": box["y"] + 20}]
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    section(page, "cup").locator("li").nth(3).wait_for()
    points[0]["y"] -= 200  # does not scroll
    finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    section(page, "cup").locator("li").nth(6).wait_for()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(600)
    taken = count(page, "cup")
    page.wait_for_timeout(600)
    assert count(page, "cup") == taken


def test_the_keyboard_takes_one_photo(page):
    add_class(page, "cup")
    start_camera(page)
    section(page, "cup").locator(".take").press("Enter")
    section(page, "cup").locator("li").wait_for()
    page.wait_for_timeout(600)
    assert count(page, "cup") == "1 photo"


def test_without_a_camera_no_photos_are_taken(page):
    add_class(page, "cup")
    take_photos = section(page, "cup").locator(".take")
    assert take_photos.is_disabled()
    start_camera(page)
    assert take_photos.is_enabled() and page.locator("#camera").inner_text() == "stop the camera"
    take_photos.hover()
    page.mouse.down()
    section(page, "cup").locator("li").first.wait_for()
    page.evaluate("video.srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    assert take_photos.is_disabled() and page.locator("#video").is_hidden()
    page.wait_for_timeout(600)
    taken = count(page, "cup")
    page.wait_for_timeout(600)
    assert count(page, "cup") == taken
    page.mouse.up()
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('Requested device not found'); }; }"
    )
    page.click("#camera")
    page.wait_for_function("document.getElementById('status').textContent === 'camera: Requested device not found'")


def test_what_cannot_be_downloaded_is_told(page):
    page.click("#download")
    page.wait_for_function("document.getElementById('status').textContent === 'the task has no name; expected one'")
    page.fill("#task", "kitchen")
    page.click("#download")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('there are no photos')")


@pytest.mark.parametrize(
    "name, message",
    [
        (" ", "the class has no name; expected one"),
        ("a/b", 'class "a/b" cannot be a folder; expected letters, digits, spaces, - and _ after a letter or digit'),
        ("Train", 'class "Train" is the name of a special folder; expected another name'),
        ("CUP", 'class "cup" is there already; expected another name'),
    ],
)
def test_names_that_do_not_fit_are_told(page, name, message):
    add_class(page, "cup")
    add_class(page, name)
    assert status(page) == message and page.locator(".class").count() == 1


FOLDER_NAME = """async text => {
  const {folderName} = await import('./photos.js');
  try { return folderName('class', text); } catch (error) { return null; }
}"""


def test_names_fit_the_rules_of_data_folders(page):
    special = {name for name in names._LEFT_BEHIND if name == name.strip()}
    special |= {*listing._SPELLINGS, *TREES, "batches_filelists"}
    for name in [*special, ".hidden", "..", "a.", "a:b", "a\\b", "a,b", "nul", "Com1", "a\u202eb", "-a", "a\0b"]:
        assert page.evaluate(FOLDER_NAME, name) is None, name
    for typed, cleaned in (
        ("cup", "cup"),
        (" red  cup\t", "red cup"),
        ("cup_01-b", "cup_01-b"),
        ("cafe\u0301", "caf\u00e9"),
        ("杯子 2", "杯子 2"),
        ("training 2", "training 2"),
        ("long " * 12, ("long " * 12).strip()),
    ):
        assert page.evaluate(FOLDER_NAME, typed) == cleaned == names.canonical(cleaned)
        assert names.flaw(cleaned) is None and not names.is_left_behind(cleaned)
