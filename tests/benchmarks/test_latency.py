"""Work and memory of a hand-made model, counted by hand; the table has a row a file."""

import pytest
import tensorflow as tf
import tf_keras as keras

from benchmarks.latency import cost, partitions, table, write_untrained
from sdkd_tf.deploy.measurement import latencies
from sdkd_tf.deploy.tflite import Classifier, float_operators, pack, unpack
from sdkd_tf.errors import UserError

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


def test_an_operator_that_xnnpack_lacks_splits_a_file(path, tmp_path):
    assert partitions(path) == 1
    image = layers.Input((8, 8, 3), batch_size=1)
    x = layers.Lambda(lambda x: tf.cumsum(x, axis=1))(layers.Conv2D(4, 3)(image))
    split = tmp_path / "split.tflite"
    network = keras.Model(image, layers.Conv2D(4, 3)(x))
    split.write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    assert partitions(split) == 2


def test_table_has_a_row_a_file(path):
    assert latencies([path, path], threads=1, runs=3).shape == (2, 3)
    lines = table([path, path], threads=[1], runs=3).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| hand_made.tflite | 0.01 MB | 0 M | 0.00 MB | 1 | ")
    assert lines[2].endswith(" ms, 1.00 |")


def test_a_scalar_without_a_shape_counts_as_one_number(tmp_path):
    function = tf.function(lambda x: x * 2, [tf.TensorSpec((), tf.float32)], autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    model = unpack(converter.convert())
    for tensor in model.subgraphs[0].tensors:
        tensor.shape = None
    path = tmp_path / "scalar.tflite"
    path.write_bytes(pack(model))
    assert cost(path) == (0, 2 * 4)


def test_a_graph_that_returns_nothing_has_a_cost(path, tmp_path):
    model = unpack(path.read_bytes())
    model.signatureDefs = model.subgraphs[0].outputs = None
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(pack(model))
    assert cost(bare) == cost(path)


@pytest.mark.long
def test_untrained_files_differ_in_their_work(tmp_path):
    paths = write_untrained(tmp_path / "files", input_size=96, classes=4)
    assert [path.name for path in paths] == ["mobilenet_v2.tflite", "sdkd_full.tflite", "sdkd_lite.tflite"]
    mobilenet, full, lite = (cost(path)[0] for path in paths)
    assert lite < mobilenet < full
    assert {(Classifier(path).input_size, Classifier(path).num_classes) for path in paths[1:]} == {(96, 4)}
    assert not any(map(float_operators, paths[1:]))
    with pytest.raises(UserError, match="--input_size=50: expected"):
        write_untrained(tmp_path, input_size=50, classes=4)
