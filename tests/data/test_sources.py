import numpy as np
import pytest
from PIL import Image

from sdkd_tf.data import videos
from sdkd_tf.data.sources import check, find_files, is_image, read_images
from sdkd_tf.errors import UserError


@pytest.fixture
def photos(tmp_path):
    for name in ("10.jpg", "9.JPG", "b/1.png", "b/.1.png", "b/@eaDir/1.png", "b/notes.txt", "b/clip.mp4"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4)).save(tmp_path / "photos" / name, "PNG")
    return tmp_path / "photos"


def test_folders_are_walked_in_natural_order_and_give_images_alone(photos):
    assert find_files([str(photos / "b"), str(photos), str(photos / "b/clip.mp4")]) == [
        photos / name for name in ("b/1.png", "9.JPG", "10.jpg", "b/1.png", "b/clip.mp4")
    ]


def test_links_to_folders_are_followed_but_not_in_circles(photos, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "there").symlink_to(photos)
    found = find_files([str(tmp_path / "links")])
    assert [path.name for path in found] == [path.name for path in find_files([str(photos)])] and found
    (photos / "again").symlink_to(photos)
    assert len(find_files([str(photos)])) == len(found)


def test_a_folder_without_images_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UserError, match=f"^{tmp_path}: holds no images; expected .*.jpg"):
        find_files([str(tmp_path)])


def test_what_has_several_frames(tmp_path):
    assert is_image(tmp_path / "a.jpg") and is_image(tmp_path / "a.gif")
    assert not is_image(tmp_path / "a.MOV") and not is_image(0)


def test_a_wrong_name_is_found_before_anything_is_read(photos):
    with pytest.raises(UserError, match="none.jpg: no such file"):
        check([photos / "10.jpg", photos / "none.jpg"])


def test_images_and_the_first_frames_of_a_camera_one_at_a_time(photos, monkeypatch):
    colors = [(number, Image.new("RGB", (4, 4), (number, 0, 0))) for number in range(0, 300, 30)]
    monkeypatch.setattr(videos, "frames", lambda source, every: iter(colors[:: every // 30]))
    damaged = []
    (photos / "9.JPG").write_bytes(b"no image")
    read = list(read_images([photos / "10.jpg", photos / "9.JPG", 2], every=60, most=3, damaged=damaged))
    assert [(path, frame) for path, frame, _ in read] == [
        (f"{photos}/10.jpg", None),
        *(("camera 2", frame) for frame in (0, 60, 120)),
    ]
    assert [np.asarray(image)[0, 0, 0] for _, _, image in read] == [0, 0, 60, 120]
    assert len(damaged) == 1 and "9.JPG: cannot be read" in damaged[0]
