"""For make test-device: an integer-only network in the form that convert.py writes, and a browser with a web server."""

import contextlib
import functools
import http.server
import pathlib
import shutil
import threading

import numpy as np
import pytest
import tf_keras as keras
from playwright.sync_api import sync_playwright

from sdkd_tf.data.images import letterbox, open_image
from sdkd_tf.data.rendered import rendered_benchmark
from sdkd_tf.deploy.conversion import write_models
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.deploy.quantization import deployed_outputs, with_probabilities
from sdkd_tf.model.network import NetworkOptions, build_network
from tests.device.kotlin import compile_kotlin

HERE = pathlib.Path(__file__).parent
SIZE = 64


@pytest.fixture(scope="session")
def labels():
    return ["cup", "ball", "tower"]


@pytest.fixture(scope="session")
def images():
    """Files of bundled test images, one of each object and level of light."""
    return sorted((rendered_benchmark() / "test").glob("task[123]/*/000.jpg"))


@pytest.fixture(scope="session")
def pixels(images):
    """The same at the network's size: uint8 `[n, s, s, 3]`."""
    return np.stack([letterbox(open_image(path), SIZE) for path in images])


@pytest.fixture(scope="session")
def converted(tmp_path_factory, labels, images, pixels):
    """A folder with sdkd_int8.tflite, sdkd_int8_classifier.tflite, labels.txt and golden/.

    The last layers of the maps and of the classification are random, but scaled and shifted to the images, so that these differ in
    both.
    """
    directory = tmp_path_factory.mktemp("converted")
    keras.utils.set_random_seed(0)
    network = build_network(len(labels), NetworkOptions(input_size=SIZE, decoder_channels=4))
    scaled = (pixels / 127.5 - 1).astype(np.float32)
    rng = np.random.default_rng(0)
    for name, spread in (("attention_decoder_logits", 2), ("detection_decoder_logits", 2), ("logits", 3)):
        layer = network.get_layer(name)
        features = keras.Model(network.input, layer.input).predict(scaled, verbose=0)
        kernel = rng.normal(size=layer.kernel.shape)
        answers = features @ kernel.reshape(kernel.shape[-2:])
        kernel *= spread / answers.std()
        layer.set_weights([kernel, -spread * answers.mean(axis=tuple(range(answers.ndim - 1))) / answers.std()])
    complete = with_probabilities(network)
    deployed = keras.Model(complete.input, deployed_outputs(complete.outputs))
    batches = [{"image": image[None]} for image in scaled]
    write_models(directory, "sdkd_int8", deployed, labels, batches)
    (directory / "golden").mkdir()
    write_golden(directory / "golden", directory / "sdkd_int8.tflite", images, labels)
    return directory


@pytest.fixture(scope="session")
def android_classes(tmp_path_factory):
    """The Android app, its test, the stubs, and programs that call parts of the app, compiled."""
    out = tmp_path_factory.mktemp("classes")
    assert compile_kotlin(out, HERE / "stubs", HERE.parents[1] / "examples/android/app/src", HERE / "jvm") == ""
    return out


@pytest.fixture(scope="module")
def serve():
    """A function that serves a folder on this computer and returns its URL."""
    servers = []

    def start(folder):
        handler = functools.partial(_QuietHandler, directory=folder)
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium with a camera that it draws itself."""
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


@contextlib.contextmanager
def phone_page(browser, origin):
    """A page as wide as a phone; errors in it and requests to anywhere else fail the test."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    wrong = []
    page.on("request", lambda r: None if r.url.startswith((origin, "data:", "blob:")) else wrong.append(r.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []
