"""Work and memory of a hand-made model, counted by hand; the table has a row a file."""

import pytest
import tensorflow as tf
import tf_keras as keras
from sdkd_tf.deploy.cost import cost, latencies, table

layers = keras.layers


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    image = layers.Input((8, 8, 3), batch_size=1)
    x = layers.Conv2D(4, 3, padding="same")(image)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Dense(5)(layers.Reshape((256,))(x))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, x))
    path = tmp_path_factory.mktemp("benchmark") / "hand_made.tflite"
    path.write_bytes(converter.convert())
    return path


def test_cost_of_a_hand_made_model(path):
    macs, peak = cost(path)
    assert macs == 8 * 8 * 4 * (3 * 3 * 3) + 8 * 8 * 4 * (3 * 3) + 256 * 5
    assert (
        peak == 2 * 8 * 8 * 4 * 4
    )  # float32 in and out of the depthwise convolution, more than image and first output


def test_table_has_a_row_a_file(path):
    assert latencies([path, path], threads=1, runs=3).shape == (2, 3)
    lines = table([path, path], threads=[1], runs=3).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| hand_made.tflite | 0.01 MB | 0 M | 0.00 MB | ")
    assert lines[2].endswith(" ms, 1.00 |")
