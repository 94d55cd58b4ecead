"""The page teaches its head new objects, from chosen photos and from the camera."""

import json
import pathlib

import numpy as np
import pytest

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.rendered import rendered_benchmark
from sdkd_tf.deploy.head import Head, head_beside
from sdkd_tf.deploy.tflite import Classifier
from sdkd_tf.strategies.discriminant import ClassStatistics
from tests.device.conftest import phone_page

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"
KNOWN = ["bottle_01", "camera_01", "shoe_01"]  # objects of the bundled benchmark
NEW = "teapot_01"


def photos(name, split="train"):
    return sorted((rendered_benchmark() / split / "task1" / name).glob("*.jpg"))


@pytest.fixture(scope="module")
def site(converted, tmp_path_factory):
    """The page's folder with a model whose head knows three objects."""
    site = tmp_path_factory.mktemp("site")
    for path in WEB.iterdir():
        (site / path.name).symlink_to(path)
    (site / "model").mkdir()
    for path in converted.iterdir():
        (site / "model" / path.name).symlink_to(path)
    model = site / "model" / "sdkd_int8.tflite"
    classifier = Classifier(model)

    def embeddings(name, split):
        return np.array([classifier(letterbox(open_image(p), 64)).embedding for p in photos(name, split)])

    statistics = ClassStatistics(len(KNOWN), classifier.embedding_size)
    for label, name in enumerate(KNOWN):
        found = embeddings(name, "train")
        statistics.add(found, np.full(len(found), label))
    statistics.measure_reach(np.concatenate([embeddings(name, "validation") for name in KNOWN]))
    Head(KNOWN, statistics).write(site / "model" / "head.json")
    return site


@pytest.fixture(scope="module")
def origin(site, serve):
    return serve(site)


@pytest.fixture
def page(browser, origin):
    """The page with its model, see `phone_page`."""
    with phone_page(browser, origin) as page:
        page.goto(origin)
        page.wait_for_selector("#teach", timeout=60_000)
        yield page


def seen(page):
    """The best label, and whether the page shows that the object is unknown."""
    return page.locator("#labels li").first.inner_text().split()[0], page.locator("#unknown").is_visible()


def choose(page, path):
    page.evaluate("document.getElementById('labels').replaceChildren()")
    page.set_input_files("#file", path)
    page.wait_for_selector("#labels li")


def thumbnails(page):
    return page.locator("#photos li")


def lesson(page):
    return page.locator("#lesson").inner_text()


def hold(page, photos):
    """Holds the button until there are so many photos; deletes what is more."""
    page.locator("#take").scroll_into_view_if_needed()
    page.locator("#take").hover()
    page.mouse.down()
    thumbnails(page).nth(photos - 1).wait_for()
    page.mouse.up()
    page.wait_for_timeout(300)
    while thumbnails(page).count() > photos:
        thumbnails(page).first.locator("button").click()


def learn(page, name):
    page.fill("#name", name)
    page.click("#learn")


def download(page, folder):
    """Downloads head.json to `folder` and reads it as Python does."""
    with page.expect_download() as started:
        page.click("#save")
    started.value.save_as(folder / started.value.suggested_filename)
    return head_beside(folder / "any.tflite")


def test_labels_come_from_the_head(page):
    assert page.locator("#status").inner_text() == "3 objects, input 64"
    names = page.locator("#names option").evaluate_all("options => options.map(option => option.value)")
    assert names == KNOWN
    answers = []
    for name in KNOWN:
        for photo in photos(name, "test"):
            choose(page, photo)
            answers.append(seen(page) == (name, False))
    assert np.mean(answers) > 0.8


def test_chosen_photos_teach_a_new_object(page, browser, origin, site, tmp_path):
    new = photos(NEW, "test")
    choose(page, new[0])
    assert seen(page)[1]
    page.set_input_files("#files", photos(NEW)[:10])
    thumbnails(page).nth(9).wait_for()
    thumbnails(page).last.locator("button").click()  # the first that was taken
    assert lesson(page) == "9 photos"
    learn(page, " teapot ")
    assert lesson(page) == "teapot: 9 photos, new" and thumbnails(page).count() == 0
    assert seen(page) == ("teapot", False)  # of the photo that is shown
    found = []
    for photo in new:
        choose(page, photo)
        found.append(seen(page))
    assert found.count(("teapot", False)) >= 4

    head = download(page, tmp_path)
    classifier = Classifier(site / "model" / "sdkd_int8.tflite")
    embeddings = np.array([classifier(letterbox(open_image(path), 64)).embedding for path in photos(NEW)[1:10]])
    expected = head_beside(site / "model" / "x.tflite").taught(embeddings, ["teapot"] * 9)
    assert head.labels == [*KNOWN, "teapot"]
    for own, other in zip(head.statistics.variables, expected.statistics.variables, strict=True):
        np.testing.assert_allclose(
            own.numpy(), other.numpy(), atol=0.02 * np.abs(other.numpy()).max()
        )  # bytes differ by 1

    later = browser.new_page()
    later.route("**/head.json", lambda route: route.fulfill(path=tmp_path / "head.json"))
    later.goto(origin)
    later.wait_for_selector("#teach")
    choose(later, new[1])
    assert seen(later) == found[1]
    later.close()


def test_the_camera_teaches_and_corrects(page, tmp_path):
    page.click("#camera")
    page.wait_for_selector("#unknown")
    for taken, name, said in (
        (4, "Pattern", "Pattern: 4 photos, new; 5 or more"),
        (6, "pattern", "Pattern: 6 photos, corr"),
    ):
        hold(page, taken)
        learn(page, name)
        assert lesson(page).startswith(said)
        page.wait_for_function("document.querySelector('#labels li').textContent.startsWith('Pattern')")
        page.wait_for_selector("#unknown", state="hidden")
    names = page.locator("#names option").evaluate_all("options => options.map(option => option.value)")
    assert names == [*KNOWN, "Pattern"]
    head = download(page, tmp_path)
    np.testing.assert_array_equal(head.statistics.counts, [20, 20, 20, 10])


def test_what_is_shown_is_taken_once(page):
    choose(page, photos(NEW)[0])
    for _ in range(2):
        page.click("#take")
    choose(page, photos(NEW)[1])
    page.click("#take")
    thumbnails(page).nth(1).wait_for()
    assert thumbnails(page).count() == 2


def test_what_cannot_be_taught_is_told(page, site):
    page.click("#take")
    assert lesson(page) == "there is nothing to see yet; use the camera or choose a photo"
    learn(page, "cup")
    assert lesson(page) == "there are no photos yet"
    page.set_input_files("#files", [photos(NEW)[0], site / "package.json", photos(NEW)[1]])
    thumbnails(page).nth(1).wait_for()
    learn(page, "a/b")
    assert lesson(page).startswith('class "a/b" cannot be a folder') and thumbnails(page).count() == 2


def test_the_browser_asks_before_what_was_learned_is_lost(page, tmp_path):
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.dismiss()))
    choose(page, photos(NEW)[0])
    page.click("#take")
    learn(page, "teapot")
    leave = "text=Collect photos for training"
    page.click(leave, no_wait_after=True)
    page.wait_for_timeout(500)
    assert questions == ["beforeunload"]
    download(page, tmp_path)
    page.click(leave)
    page.wait_for_url("**/capture.html")
    assert len(questions) == 1


@pytest.mark.parametrize(
    "change, said",
    [
        ({}, "is for embeddings of length 4; expected 448"),
        ({"counts": [1]}, "numbers of classes or features differ; expected a file that convert.py wrote"),
        ({"means": "?"}, "Failed to execute 'atob'"),
        (None, "Unexpected end of JSON input"),
    ],
)
def test_a_head_that_does_not_fit_is_told(browser, origin, tmp_path, change, said):
    Head(["a", "b"], ClassStatistics(2, 4)).write(tmp_path / "head.json")
    stored = json.loads((tmp_path / "head.json").read_text())
    page = browser.new_page()
    page.route(
        "**/head.json", lambda route: route.fulfill(body="" if change is None else json.dumps({**stored, **change}))
    )
    page.goto(origin)
    page.wait_for_function("document.getElementById('status').textContent.startsWith('The model cannot')")
    text = page.locator("#status").inner_text()
    assert text.startswith("The model cannot be loaded: model/head.json: ") and said in text
    assert page.locator("#teach").is_hidden()
    page.close()
