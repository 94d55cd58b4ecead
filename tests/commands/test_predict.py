import pathlib

import numpy as np
from PIL import Image

from sdkd_tf.commands.predict import overlay_names
from sdkd_tf.reporting.overlay import draw


def test_images_of_one_name_in_several_folders_get_names_of_their_own():
    paths = [pathlib.Path(p) for p in ("/data/task1/mug_01/000.jpg", "/data/task5/mug_01/000.jpg", "/data/task5/a.png")]
    assert overlay_names(paths) == [
        "task1_mug_01_000_jpg_saliency.png",
        "task5_mug_01_000_jpg_saliency.png",
        "task5_a_png_saliency.png",
    ]
    assert len(set(overlay_names([pathlib.Path("/d/a.jpg"), pathlib.Path("/d/a.png")]))) == 2
    assert overlay_names(paths[:1]) == ["000_jpg_saliency.png"]


def test_the_overlay_has_the_images_size_and_darkens_what_is_not_salient():
    image = Image.new("RGB", (40, 20), (200, 200, 200))
    drawn = np.asarray(draw(image, np.array([[0.0, 1.0], [0.0, 1.0]])))
    assert drawn.shape == (20, 40, 3)
    np.testing.assert_allclose(drawn[10, 39], 200, atol=2)
    np.testing.assert_allclose(drawn[10, 0], [50, 50, 120], atol=2)
