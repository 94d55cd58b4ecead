"""RFB and aggregation against CPD's structure written out in NumPy, with weights in CPD's names and layout."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model import partial_decoder as decoder
from sdkd_tf.model.partial_decoder import aggregation, partial_decoder, receptive_field_block, separable_convolution
from tests.reference import layers as reference

# CPD's module names and ours.
RFB = {"branch0.0": "branch0", "conv_cat": "fuse", "conv_res": "residual"}
for branch, k in ((1, 3), (2, 5), (3, 7)):
    for step, part in enumerate(("reduce", "row", "column", "dilated")):
        RFB[f"branch{branch}.{step}"] = f"branch{k}_{part}"
AGGREGATION = {f"conv_upsample{i}": f"conv{i}" for i in range(1, 6)}
AGGREGATION |= {"conv_concat2": "fuse2", "conv_concat3": "fuse3", "conv4": "conv6", "conv5": "logits"}

CPD_SIZES = ((2, 3), (4, 6), (8, 12))
MOBILENET_SIZES = ((3, 4), (3, 4), (6, 8))


def port(weights, names, model, prefix):
    """Copies PyTorch weights into a model and counts that none of the model's is left over."""
    for theirs, ours in names.items():
        model.get_layer(f"{prefix}_{ours}").set_weights(reference.to_keras(*weights[theirs]))
    assert len(model.weights) == 2 * len(weights)


def aligned(x, like, name):
    """CPD's upsampling: corner pixels are aligned (PyTorch's align_corners=True)."""
    size = like.shape[1:3]
    if size == x.shape[1:3]:
        return x
    resize = tf.compat.v1.image.resize_bilinear
    return keras.layers.Lambda(lambda x: resize(x, size, align_corners=True), name=name)(x)


def aggregation_model(sizes, c):
    inputs = [keras.Input((*size, c)) for size in sizes]
    return keras.Model(inputs, aggregation(*inputs, "agg"))


def random_maps(rng, sizes, c):
    return [rng.normal(size=(1, *size, c)).astype(np.float32) for size in sizes]


def test_rfb_equals_cpd():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 12, 15, 4)).astype(np.float32)  # larger than the dilation of 7, so that every tap is felt
    weights = reference.random_weights(rng, reference.rfb_shapes(4, 3))
    image = keras.Input(x.shape[1:])
    model = keras.Model(image, receptive_field_block(image, 3, "rfb"))
    port(weights, RFB, model, "rfb")
    expected = reference.rfb(x[0], weights)
    assert 0.2 < np.mean(expected > 0) < 0.8
    np.testing.assert_allclose(model(x)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [CPD_SIZES, MOBILENET_SIZES])
@pytest.mark.parametrize("align_corners", [True, False])
def test_aggregation_equals_cpd(sizes, align_corners, monkeypatch):
    if align_corners:
        monkeypatch.setattr(decoder, "upsample", aligned)
    rng = np.random.default_rng(1)
    x1, x2, x3 = random_maps(rng, sizes, 3)
    weights = reference.random_weights(rng, reference.aggregation_shapes(3))
    model = aggregation_model(sizes, 3)
    port(weights, AGGREGATION, model, "agg")
    expected = reference.aggregation(x1[0], x2[0], x3[0], weights, align_corners)
    np.testing.assert_allclose(model([x1, x2, x3])[0], expected, rtol=1e-5, atol=1e-5)


def test_partial_decoder_joins_three_rfbs_and_the_aggregation(monkeypatch):
    monkeypatch.setattr(decoder, "upsample", aligned)
    rng = np.random.default_rng(2)
    sizes, channels = ((4, 4), (8, 8), (16, 16)), (6, 5, 4)
    xs = [rng.normal(size=(1, *size, c)).astype(np.float32) for size, c in zip(sizes, channels)]
    inputs = [keras.Input(x.shape[1:]) for x in xs]
    model = keras.Model(inputs, partial_decoder(*inputs, 2, "d"))
    levels = []
    for i, x in enumerate(xs, start=1):
        weights = reference.random_weights(rng, reference.rfb_shapes(x.shape[-1], 2))
        for theirs, ours in RFB.items():
            model.get_layer(f"d_rfb{i}_{ours}").set_weights(reference.to_keras(*weights[theirs]))
        levels.append(reference.rfb(x[0], weights))
    weights = reference.random_weights(rng, reference.aggregation_shapes(2))
    for theirs, ours in AGGREGATION.items():
        model.get_layer(f"d_{ours}").set_weights(reference.to_keras(*weights[theirs]))
    expected = reference.aggregation(*levels, weights, align_corners=True)
    np.testing.assert_allclose(model(xs)[0], expected, rtol=1e-5, atol=1e-5)


def test_default_graph_has_only_layers_that_can_be_quantized():
    # Conversion to int8 and saved weights rely on these types and names in this order.
    model = aggregation_model(MOBILENET_SIZES, 4)
    found = [(type(layer).__name__, layer.name) for layer in model.layers if layer.name.startswith("agg")]
    assert sorted(found) == sorted(
        [("Conv2D", f"agg_{name}") for name in (*(f"conv{i}" for i in range(1, 7)), "fuse2", "fuse3", "logits")]
        + [("UpSampling2D", f"agg_up_{name}") for name in ("x1", "x2", "y2")]
        + [("Multiply", f"agg_{name}") for name in ("gate2", "gate3", "gated3")]
        + [("Concatenate", f"agg_{name}") for name in ("concat2", "concat3")]
    )
    order = [w.name.split("/")[0].removeprefix("agg_") for w in model.weights[::2]]
    assert order == ["conv1", "conv4", "conv2", "conv3", "fuse2", "conv5", "fuse3", "conv6", "logits"]


@pytest.mark.parametrize(
    "sizes, meets",
    [
        (((2, 2), (8, 8), (8, 8)), r"up_x1_to_x2: features of \(2, 2\) meet features of \(8, 8\)"),
        (((4, 4), (4, 4), (8, 4)), r"up_x1: features of \(4, 4\) meet features of \(8, 4\)"),
        (((8, 8), (4, 4), (4, 4)), r"up_x1_to_x2: features of \(8, 8\) meet features of \(4, 4\)"),
    ],
)
def test_steps_other_than_one_and_two_are_refused(sizes, meets):
    with pytest.raises(ValueError, match=meets):
        aggregation_model(sizes, 2)


@pytest.mark.parametrize("dilation", [1, 2])
def test_separable_convolution_equals_the_full_one_with_the_product_kernel(dilation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 6, 3)).astype(np.float32)
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, separable_convolution(image, 5, (1, 3), "test", dilation))
    depthwise, pointwise, bias = (rng.normal(size=w.shape).astype(np.float32) for w in model.weights)
    model.set_weights([depthwise, pointwise, bias])
    kernel = depthwise * pointwise  # [1, 3, 3, 1] times [1, 1, 3, 5]
    expected = tf.nn.conv2d(x, kernel, 1, "SAME", dilations=dilation) + bias
    np.testing.assert_allclose(model(x), expected, atol=1e-5)


def test_separable_convolution_starts_with_the_deviation_of_the_full_one():
    image = keras.Input((6, 6, 64))
    depthwise, pointwise, _ = keras.Model(image, separable_convolution(image, 64, 3, "test")).get_weights()
    np.testing.assert_allclose((depthwise * pointwise).std(), 0.01, rtol=0.1)  # [3, 3, 64, 1] times [1, 1, 64, 64]


def test_separable_convolution_of_one_pixel_is_the_full_one():
    image = keras.Input((6, 6, 3))
    assert [w.shape for w in keras.Model(image, separable_convolution(image, 5, 1, "test")).weights] == [
        (1, 1, 3, 5),
        (5,),
    ]
