import subprocess
import sys

import numpy as np
import pytest

from sdkd_tf.data.videos import frames
from sdkd_tf.errors import UserError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def video(tmp_path):
    """A video of 7 frames in RGB, the colors red, green, blue in turn, twice as wide as high."""
    cv2 = pytest.importorskip("cv2", reason="videos need OpenCV, the extra `video`")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 32))
    for number in range(7):
        writer.write(np.full((32, 64, 3), (RED, GREEN, BLUE)[number % 3][::-1], np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("every, numbers", [(1, [0, 1, 2, 3, 4, 5, 6]), (2, [0, 2, 4, 6]), (5, [0, 5]), (100, [0])])
def test_every_nth_frame_in_its_colors(video, every, numbers):
    read = list(frames(video, every))
    assert [number for number, _ in read] == numbers
    for number, image in read:
        assert image.size == (64, 32) and image.mode == "RGB"
        np.testing.assert_allclose(image.getpixel((40, 10)), (RED, GREEN, BLUE)[number % 3], atol=6)


CALL = """
import pathlib, sys
from sdkd_tf.data.videos import frames
from sdkd_tf.errors import one_line_errors
with one_line_errors():
    next(frames(int(sys.argv[1]) if sys.argv[1].isdigit() else pathlib.Path(sys.argv[1])))
"""


def test_what_is_no_video_is_one_line_and_opencv_is_silent(tmp_path):
    pytest.importorskip("cv2", reason="videos need OpenCV, the extra `video`")
    (tmp_path / "a.mp4").write_bytes(b"no video" * 1000)
    for source, problem in (
        (tmp_path / "a.mp4", f"video {tmp_path}/a.mp4: cannot be read by OpenCV; expected a video (.avi .m4v"),
        (tmp_path / "b.mp4", f"video {tmp_path}/b.mp4: no such file"),
        ("99", "--camera=99: cannot be read by OpenCV; expected the number of a camera"),
    ):
        done = subprocess.run([sys.executable, "-c", CALL, source], capture_output=True, text=True)
        assert done.stderr.startswith(f"error: {problem}") and done.stderr.count("\n") == 1


def test_without_opencv_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    (tmp_path / "a.mp4").write_bytes(b"")
    for source, name in ((tmp_path / "a.mp4", f"video {tmp_path}/a.mp4"), (0, "--camera=0")):
        with pytest.raises(UserError) as error:
            next(frames(source))
        assert str(error.value) == f"{name}: needs OpenCV; pip install 'sdkd-tf[video]'"
