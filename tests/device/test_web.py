"""The web page in headless Chromium, on a golden image."""

import functools
import http.server
import json
import pathlib
import shutil
import threading

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from sdkd_tf.data.images import letterbox, open_image

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"


@pytest.fixture(scope="module")
def site(converted, tmp_path_factory):
    """The page's folder with a model, its golden directory and a wide photo."""
    site = tmp_path_factory.mktemp("site")
    for path in WEB.iterdir():
        (site / path.name).symlink_to(path)
    (site / "model").symlink_to(converted)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 80, 3)).astype(np.uint8)).save(site / "photo.png")
    return site


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def page(site):
    """The page after its model is loaded; requests to anywhere else fail the test."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        elsewhere = []
        page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else elsewhere.append(r.url))
        page.goto(origin)
        page.wait_for_function("window.recognizer !== undefined", timeout=60_000)
        yield page
        assert elsewhere == []
        browser.close()
    server.shutdown()


def test_golden_input_gives_the_golden_answer(page, site, labels):
    golden = site / "model" / "golden"
    expected = json.loads((golden / "expected.json").read_text())
    found = page.evaluate(
        """async bytes => {
          const {probabilities, saliency} = await window.recognizer.run(Uint8Array.from(bytes));
          return {probabilities: [...probabilities], saliency: [...saliency]};
        }""",
        list((golden / "input.bin").read_bytes()),
    )
    assert labels[int(np.argmax(found["probabilities"]))] == expected["label"]
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=0.02)
    np.testing.assert_allclose(found["saliency"], np.ravel(expected["saliency"]), atol=0.02)


def test_dropped_bytes_are_scaled_as_in_python(page, site):
    found = page.evaluate(
        """async () => {
          const {rgbOf} = await import('./recognizer.js');
          const bitmap = await createImageBitmap(await (await fetch('photo.png')).blob());
          return [...rgbOf(window.recognizer.letterbox(bitmap, bitmap.width, bitmap.height))];
        }"""
    )
    expected = letterbox(open_image(site / "photo.png"), 64).astype(int)
    found = np.array(found).reshape(64, 64, 3)
    np.testing.assert_array_equal(found[:16], 0)  # the black bars above and below a 2:1 photo
    np.testing.assert_array_equal(found[48:], 0)
    assert np.abs(found - expected).mean() < 12  # on noise; the filters differ


def test_a_chosen_file_shows_labels_saliency_and_time(page, site, labels):
    page.set_input_files("#file", site / "photo.png")
    page.wait_for_function("document.getElementById('labels').children.length === 3")
    lines = page.locator("#labels li").all_inner_texts()
    assert sorted(line.split()[0] for line in lines) == sorted(labels)
    assert page.locator("#status").inner_text().endswith(" ms")
    assert page.evaluate("document.getElementById('picture').width") == 4 * 64


def test_what_is_no_image_is_told(page, site):
    page.set_input_files("#file", site / "package.json")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('package.json: ')")
