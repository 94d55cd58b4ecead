"""Times of files that cannot be run on every input."""

import pytest
import tensorflow as tf

from sdkd_tf.deploy.measurement import latencies
from sdkd_tf.errors import UserError


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
