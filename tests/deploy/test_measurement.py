"""Scaling as phones do, on hand-made images; times of files that cannot be run on every input."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sdkd_tf.deploy.measurement import latencies, stretch
from sdkd_tf.errors import UserError


def test_nearest_and_bilinear_against_hand_computed_pixels():
    row = np.array([0, 40, 80, 200], np.uint8)
    image = Image.fromarray(np.repeat(np.tile(row, (4, 1))[..., None], 3, axis=2))
    # Pixel centers of a 2 x 2 image lie on the edges between pixels 0 and 1, and 2 and 3: nearest takes the right one,
    # bilinear the mean of both.
    np.testing.assert_array_equal(stretch(image, 2, "nearest")[0, :, 0], [40, 200])
    np.testing.assert_array_equal(stretch(image, 2, "bilinear")[0, :, 0], [20, 140])


def test_aspect_is_not_kept():
    image = Image.new("RGB", (30, 10), "white")
    assert (stretch(image, 8, "nearest") == 255).all()


def test_a_file_that_fails_on_noise_is_named(tmp_path):
    """It passes the trial, which feeds zeros."""
    function = tf.function(
        lambda x: tf.gather(tf.ones(3), tf.cast(100 * x, tf.int32)), [tf.TensorSpec(2, tf.float32)], autograph=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    path = tmp_path / "gather.tflite"
    path.write_bytes(converter.convert())
    with pytest.raises(UserError, match=f"^model {path}: LiteRT cannot run it [(]gather index out of bounds"):
        latencies([path], threads=1, runs=1)
