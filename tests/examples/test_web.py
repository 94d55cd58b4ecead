"""The web page in headless Chromium, on a golden image. Needs Chromium, and `npm install` in examples/web."""

import functools
import http.server
import json
import pathlib
import shutil
import threading

import numpy as np
import pytest
import tf_keras as keras
from PIL import Image

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.deploy.conversion import write_models
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.deploy.quantization import with_probabilities
from sdkd_tf.deploy.runtime import Classifier
from sdkd_tf.model.network import build_network

WEB = pathlib.Path(__file__).parents[2] / "examples" / "web"
CHROMIUM = shutil.which("chromium")
LABELS = ["cup", "ball", "tower"]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(not (WEB / "node_modules").is_dir(), reason="no `npm install` in examples/web"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page's folder with an int8 model and its golden directory."""
    site = tmp_path_factory.mktemp("site")
    for path in WEB.iterdir():
        (site / path.name).symlink_to(path)
    model = site / "model"
    model.mkdir()
    keras.utils.set_random_seed(0)
    complete = with_probabilities(build_network(3, input_size=64, decoder_channels=4))
    rng = np.random.default_rng(0)
    noise = [{"image": rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)} for _ in range(8)]
    write_models(
        model, "sdkd_int8", keras.Model(complete.input, [complete.outputs[4], complete.outputs[1]]), LABELS, noise
    )
    Image.fromarray(rng.integers(0, 256, (40, 80, 3)).astype(np.uint8)).save(site / "photo.png")
    (model / "golden").mkdir()
    write_golden(
        model / "golden", "sdkd_int8.tflite", Classifier(model / "sdkd_int8.tflite"), site / "photo.png", LABELS
    )
    return site


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def page(site):
    """The page after its model is loaded; requests to anywhere else fail the test."""
    playwright = pytest.importorskip("playwright.sync_api")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}/"
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        elsewhere = []
        page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else elsewhere.append(r.url))
        page.goto(origin)
        page.wait_for_function("window.recognizer !== undefined", timeout=60_000)
        yield page
        assert elsewhere == []
        browser.close()
    server.shutdown()


def test_golden_input_gives_the_golden_answer(page, site):
    golden = site / "model" / "golden"
    expected = json.loads((golden / "expected.json").read_text())
    found = page.evaluate(
        """async bytes => {
          const {probabilities, saliency} = await window.recognizer.run(Uint8Array.from(bytes));
          return {probabilities: [...probabilities], saliency: [...saliency]};
        }""",
        list((golden / "input.bin").read_bytes()),
    )
    assert LABELS[int(np.argmax(found["probabilities"]))] == expected["label"]
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


def test_a_chosen_file_shows_labels_saliency_and_time(page, site):
    page.set_input_files("#file", site / "photo.png")
    page.wait_for_function("document.getElementById('labels').children.length === 3")
    lines = page.locator("#labels li").all_inner_texts()
    assert sorted(line.split()[0] for line in lines) == sorted(LABELS)
    assert page.locator("#status").inner_text().endswith(" ms")
    assert page.evaluate("document.getElementById('picture').width") == 4 * 64


def test_what_is_no_image_is_told(page, site):
    page.set_input_files("#file", site / "package.json")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('package.json: ')")
