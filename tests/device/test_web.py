"""The web page in headless Chromium, on the golden images, photos of many shapes and a camera that Chromium draws."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from sdkd_tf.data.images import letterbox

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"
SHAPES = {  # name: width, height, channels
    "wide": (80, 40, 3),
    "portrait": (301, 611, 3),
    "same": (64, 64, 3),
    "odd": (277, 100, 3),
    "large": (2500, 2000, 3),
    "transparent": (130, 90, 4),
}


@pytest.fixture(scope="module")
def site(converted, tmp_path_factory):
    """The page's folder with a model, its golden directory and photos of noise."""
    site = tmp_path_factory.mktemp("site")
    for path in WEB.iterdir():
        (site / path.name).symlink_to(path)
    (site / "model").symlink_to(converted)
    rng = np.random.default_rng(0)
    for name, (width, height, channels) in SHAPES.items():
        pixels = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
        Image.fromarray(pixels).save(site / f"{name}.png", compress_level=1)
    return site


@pytest.fixture(scope="module")
def origin(site, serve):
    return serve(site)


@pytest.fixture(scope="module")
def page(browser, origin):
    """The page after its model is loaded, with all streams of the camera in `streams`; requests to anywhere else fail the test."""
    page = browser.new_page()
    elsewhere = []
    page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else elsewhere.append(r.url))
    page.add_init_script("""
        window.streams = [];
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async what => {
          const stream = await open(what);
          streams.push(stream);
          return stream;
        };
    """)
    page.goto(origin)
    page.wait_for_function("window.recognizer !== undefined", timeout=60_000)
    yield page
    assert elsewhere == []


@pytest.fixture
def fresh(page):
    """The page loaded again."""
    page.reload()
    page.wait_for_function("window.recognizer !== undefined", timeout=60_000)
    return page


LIVE = "streams.filter(stream => stream.active).length"
SCALED = """async name => {
  const bitmap = await createImageBitmap(await (await fetch(name)).blob());
  return [...window.recognizer.letterbox(bitmap, bitmap.width, bitmap.height)];
}"""


def scaled(page, name):
    """What the page feeds for an image of the site, int `[64, 64, 3]`."""
    return np.array(page.evaluate(SCALED, name)).reshape(64, 64, 3)


@pytest.mark.parametrize("image, content", [("image", "input"), ("image_large", "input_large")])
def test_golden_check(page, site, labels, image, content):
    golden = site / "model" / "golden"
    expected = json.loads((golden / "expected.json").read_text())[image]
    pixels = (golden / f"{content}.bin").read_bytes()
    found = page.evaluate(
        """async bytes => {
          const {probabilities, saliency} = await window.recognizer.run(Uint8Array.from(bytes));
          return {probabilities: [...probabilities], saliency: [...saliency]};
        }""",
        list(pixels),
    )
    assert labels[int(np.argmax(found["probabilities"]))] == expected["label"]
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=expected["tolerance"])
    np.testing.assert_allclose(found["saliency"], np.ravel(expected["saliency"]), atol=expected["tolerance"])
    difference = np.abs(scaled(page, f"model/golden/{image}.png") - np.frombuffer(pixels, np.uint8).reshape(64, 64, 3))
    assert difference.mean() < expected["pixel_tolerance"] and difference.max() <= 1


@pytest.mark.parametrize("name", SHAPES)
def test_images_are_scaled_as_in_python(page, site, name):
    with Image.open(site / f"{name}.png") as image:
        on_black = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA")).convert("RGB")
    expected = letterbox(on_black, 64).astype(int)
    assert np.abs(scaled(page, f"{name}.png") - expected).max() <= 1


def test_orientation_and_color_profile_are_applied(page, site):
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[at : at + 4]): at + 4 for at in range(132, 132 + 12 * profile[131], 12)}
    red, green = (slice(tags[name], tags[name] + 4) for name in (b"rXYZ", b"gXYZ"))
    profile[red], profile[green] = profile[green], profile[red]  # what is stored as red is green
    exif = Image.Exif()
    exif[0x0112] = 6  # the left side is the top
    image = Image.new("RGB", (60, 60))
    image.paste((200, 30, 30), (0, 0, 30, 60))
    image.save(site / "turned.jpg", quality=95, subsampling=0, exif=exif, icc_profile=bytes(profile))
    found = scaled(page, "turned.jpg")
    assert np.abs(found[:30] - (30, 200, 30)).max() <= 6
    assert found[34:].max() <= 6


def test_an_image_too_thin_is_told(page, site):
    Image.new("RGB", (600, 1)).save(site / "thin.png")
    page.set_input_files("#file", site / "thin.png")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('thin.png: 600 x 1 pixels')")


def test_a_chosen_file_shows_labels_saliency_and_time(page, site, labels):
    for _ in range(2):  # the same file can be chosen again
        page.evaluate("document.getElementById('labels').replaceChildren()")
        page.set_input_files("#file", site / "wide.png")
        page.wait_for_function("document.getElementById('labels').children.length === 3")
    lines = page.locator("#labels li").all_inner_texts()
    assert sorted(line.split()[0] for line in lines) == sorted(labels)
    assert page.locator("#status").inner_text().endswith(" ms")
    assert page.locator("#unknown").is_hidden() and page.locator("#teach").is_hidden()  # it has no head.json
    assert page.evaluate("document.getElementById('picture').width") == 4 * 64


def test_what_is_no_image_is_told(page, site):
    page.set_input_files("#file", site / "package.json")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('package.json: ')")


def test_the_first_run_is_part_of_loading(page):
    runs = page.evaluate(
        """async () => {
          const {Recognizer} = await import('./recognizer.js');
          const run = Recognizer.prototype.run;
          let runs = 0;
          Recognizer.prototype.run = function(rgb) { runs++; return run.call(this, rgb); };
          await Recognizer.load('model');
          Recognizer.prototype.run = run;
          return runs;
        }"""
    )
    assert runs == 1


def picture(page):
    return page.evaluate("document.getElementById('picture').toDataURL()")


def start_camera(page):
    before = picture(page)
    page.click("#camera")
    page.wait_for_function("before => document.getElementById('picture').toDataURL() !== before", arg=before)
    assert page.evaluate(LIVE) == 1 and page.locator("#camera").inner_text() == "stop the camera"


def test_the_camera_starts_and_stops(fresh):
    page = fresh
    start_camera(page)
    page.click("#camera")
    assert page.evaluate(LIVE) == 0 and page.locator("#camera").inner_text() == "use the camera"
    last = picture(page)
    page.wait_for_timeout(500)
    assert picture(page) == last


def test_many_clicks_leave_one_loop(page):
    page.evaluate("for (let i = 0; i < 5; i++) document.getElementById('camera').click()")
    page.wait_for_function("streams.length >= 3 && " + LIVE + " === 1")
    page.wait_for_timeout(500)
    assert page.evaluate(LIVE) == 1
    page.click("#camera")
    page.wait_for_function(f"{LIVE} === 0")


def test_a_photo_chosen_while_the_camera_runs_stays(page, site):
    page.set_input_files("#file", site / "wide.png")
    page.wait_for_function("document.getElementById('status').textContent.endsWith(' ms')")
    page.wait_for_timeout(200)
    alone = picture(page)
    start_camera(page)
    page.set_input_files("#file", site / "wide.png")
    page.wait_for_function(f"{LIVE} === 0")
    page.wait_for_timeout(500)
    assert picture(page) == alone
    assert page.locator("#camera").inner_text() == "use the camera"


def test_the_camera_stops_when_the_page_is_hidden(page):
    start_camera(page)
    page.evaluate(
        """() => {
          Object.defineProperty(document, 'hidden', {value: true, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
          delete document.hidden;
        }"""
    )
    assert page.evaluate(LIVE) == 0 and page.locator("#camera").inner_text() == "use the camera"


def test_a_camera_that_ends_or_is_missing_is_told(page):
    start_camera(page)
    page.evaluate("streams.at(-1).getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    page.wait_for_function(f"{LIVE} === 0")
    assert page.locator("#camera").inner_text() == "use the camera"
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('Requested device not found'); }; }"
    )
    page.click("#camera")
    page.wait_for_function("document.getElementById('status').textContent === 'camera: Requested device not found'")
    assert page.locator("#camera").inner_text() == "use the camera"


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("labels.txt", None, "model/labels.txt: 404; expected the files that convert.py wrote"),
        ("sdkd_int8.tflite", None, "model/sdkd_int8.tflite: 404; expected the files that convert.py wrote"),
        ("labels.txt", "cup\r\nball\r\n", "model/labels.txt: 2 lines; expected 3"),
    ],
)
def test_files_that_are_missing_or_do_not_fit_are_told(browser, origin, name, content, message):
    page = browser.new_page()
    page.route(f"**/{name}", lambda route: route.fulfill(status=200 if content else 404, body=content or ""))
    page.goto(origin)
    page.wait_for_function("document.getElementById('status').textContent.startsWith('The model cannot')")
    assert page.locator("#status").inner_text() == f"The model cannot be loaded: {message}"
    assert page.locator("#camera").is_disabled()
    page.close()
