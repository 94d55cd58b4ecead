"""The Android app: its Kotlin is compiled against stubs of the Android classes, and its letterbox runs on the Java VM."""

import pathlib
import re
import struct
import subprocess

import numpy as np
from PIL import Image

from sdkd_tf.data.images import letterbox
from tests.device.kotlin import compile_kotlin, run_java

HERE = pathlib.Path(__file__).parent
ANDROID = HERE.parents[1] / "examples" / "android"


def test_app_and_its_test_compile(android_classes):
    for name in ("MainActivity", "Recognizer", "Head", "GoldenTest"):
        assert (android_classes / "sdkd" / "example" / f"{name}.class").is_file()


def test_a_wrong_call_does_not_compile(tmp_path):
    recognizer = ANDROID / "app/src/main/java/sdkd/example/Recognizer.kt"
    wrong = tmp_path / "Recognizer.kt"
    wrong.write_text(recognizer.read_text().replace("setNumThreads(2)", 'setNumThreads("2")'))
    said = compile_kotlin(tmp_path / "out", HERE / "stubs", wrong, recognizer.with_name("Letterbox.kt"))
    assert "Recognizer.kt:" in said and "actual type is 'String'" in said


def test_images_are_scaled_as_in_python(android_classes):
    rng = np.random.default_rng(0)
    shapes = [(4000, 3000, 224), (1080, 1920, 96), (96, 96, 96), (1, 1, 64), (3, 500, 224), (640, 480, 64)]
    shapes += [(*rng.integers(50, 700, 2), rng.choice([32, 96, 97, 224])) for _ in range(60)]
    images, expected = [], []
    for i, (width, height, size) in enumerate(shapes):
        argb = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
        if i % 3:
            argb[..., 0] = 255
        images.append(struct.pack(">iii", width, height, size) + argb.tobytes())
        image = Image.fromarray(np.roll(argb, -1, axis=2), "RGBA")
        on_black = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
        expected.append(letterbox(on_black, size))
    found = np.frombuffer(run_java(android_classes, "Scale", b"".join(images)), np.uint8).astype(int)
    assert np.abs(found - np.concatenate([pixels.ravel() for pixels in expected])).max() <= 1


def test_the_wrapper_starts_and_fits_the_plugin():
    properties = (ANDROID / "gradle/wrapper/gradle-wrapper.properties").read_text()
    plugin = re.search(r'com.android.application"\) version "(.*?)"', (ANDROID / "build.gradle.kts").read_text())[1]
    gradle = re.search(r"gradle-([\d.]+)-bin.zip", properties)[1]
    assert (plugin[:3], gradle) == ("9.2", "9.4.1")  # the plugin's table of versions; change both
    command = [ANDROID / "gradlew", "--gradle-user-home"]  # without its argument, so that nothing is downloaded
    done = subprocess.run(command, capture_output=True, text=True)
    assert "No argument was provided for command-line option '--gradle-user-home'" in done.stderr
