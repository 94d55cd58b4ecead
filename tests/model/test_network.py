"""Shapes and parameters of the graph, and that it stays flat."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.rendered import rendered_benchmark
from sdkd_tf.data.sequence import Example
from sdkd_tf.errors import UserError
from sdkd_tf.model import backbone
from sdkd_tf.model.network import NetworkOptions, Outputs, build_network
from sdkd_tf.model.quantizable import InverseSquareRoot


def build(num_classes, **options):
    return build_network(num_classes, NetworkOptions(**options))


@pytest.fixture(scope="module")
def network():
    return build(20, pretrained_branches=False)


def test_shapes_and_ranges(network):
    image = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
    out = Outputs(*(y.numpy() for y in network(image)))
    assert out.logits.shape == (2, 20)
    assert out.saliency.shape == out.attention_logits.shape == out.detection_logits.shape == (2, 8, 8, 1)
    assert 0.0 <= out.saliency.min() and out.saliency.max() <= 1.0


def test_parameters_are_those_of_the_paper(network):
    # Keras' summary: MobileNetV2 without top has 2 257 984, of which blocks 13-16 (stages 6 and 7, here twice) have
    # 1 284 608 and the last convolution, which SDKD leaves out, 320 * 1280 + 4 * 1280.
    copies = 2 * 1_284_608
    shared = 2_257_984 - 1_284_608 - 414_720
    fc = (32 + 64 + 96 + 160 + 96) * 20 + 20
    blur = 3 * 3

    def conv(k, i, o):
        return k * i * o + o

    def rfb(i, c=32):
        return (
            sum(conv(1, i, c) + 2 * conv(k, c, c) + conv(9, c, c) for k in (3, 5, 7))
            + 2 * conv(1, i, c)
            + conv(9, 4 * c, c)
        )

    c = 32
    aggregation = 4 * conv(9, c, c) + 2 * conv(9, 2 * c, 2 * c) + 2 * conv(9, 3 * c, 3 * c) + conv(1, 3 * c, 1)
    decoders = 2 * (rfb(320) + rfb(160) + rfb(96) + aggregation)
    assert network.count_params() == shared + copies + fc + blur + decoders


def test_levels_are_wired_as_in_figure_3(network):
    block5, attended = (network.get_layer(name).output for name in (backbone.BLOCK_5_END, "holistic_attention_apply"))
    for branch, shallowest in (("attention", block5), ("detection", attended)):
        deep = [network.get_layer(f"{branch}_{block}").output for block in ("block_16_project_BN", "block_15_add")]
        for number, level in enumerate((*deep, shallowest), start=1):
            for part in ("branch0", "branch3_reduce", "branch5_reduce", "branch7_reduce", "residual"):
                assert network.get_layer(f"{branch}_decoder_rfb{number}_{part}").input is level
        assert network.get_layer(f"{branch}_block_13_expand").input is shallowest


def test_logits_of_the_paper_are_of_block_5_under_the_refined_map():
    network = build(3, input_size=96, embedding="block5", pooling="mean")
    parts = [network.get_layer(backbone.BLOCK_5_END).output, network.outputs[1], network.outputs[0]]
    image = np.random.default_rng(0).uniform(-1, 1, (2, 96, 96, 3)).astype(np.float32)
    features, saliency, logits = (part.numpy() for part in keras.Model(network.input, parts)(image))
    kernel, bias = network.get_layer("logits").get_weights()
    np.testing.assert_allclose(logits, (features * saliency).mean(axis=(1, 2)) @ kernel + bias, atol=1e-5)


def test_embedding_is_of_blocks_3_to_6_under_the_map_and_of_block_5(network):
    names = ("block_5_add", "block_9_add", "block_12_add", "detection_block_15_add", "embedding")
    parts = [network.outputs[1], *(network.get_layer(name).output for name in names)]
    image = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
    saliency, *levels, embedding = (part.numpy() for part in keras.Model(network.input, parts)(image))
    expected = []
    for features in levels:
        side = min(features.shape[1], 8)
        halved = features.reshape(2, side, features.shape[1] // side, side, features.shape[1] // side, -1).mean((2, 4))
        weight = saliency.reshape(2, side, 8 // side, side, 8 // side, 1).mean((2, 4))
        expected.append((halved * weight).sum((1, 2)) / np.maximum(weight.mean((1, 2)), 1 / 64) / side**2)
    expected.append(levels[2].mean((1, 2)))
    np.testing.assert_allclose(embedding, np.concatenate(expected, axis=1), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("decoder", ["full", "lite"])
def test_the_pretrained_branches_mark_the_object(decoder):
    """Without any training on the benchmark, whose objects are not those of the pretraining."""
    folder = rendered_benchmark()
    images = sorted((folder / "test" / "task1").glob("*/000.jpg"))
    masks = [folder / "masks" / image.relative_to(folder).with_suffix(".png") for image in images]
    examples = [Example(image=image, mask=mask, label=0) for image, mask in zip(images, masks)]
    batch = next(iter(make_dataset(examples, 128, len(examples))))
    goal = tf.image.resize(batch["mask"], [8, 8], "area")
    error = {}
    for pretrained in (False, True):
        network = build(2, decoder=decoder, pretrained_branches=pretrained)
        error[pretrained] = float(tf.reduce_mean(tf.abs(network(batch["image"])[1] - goal)))
    assert len(images) == 20 and error[True] < 0.09 < 0.3 < error[False]


def test_graph_is_flat(network):
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)


def test_branches_start_from_the_pretrained_weights(network):
    original = backbone.mobilenet_v2(128)
    for layer in original.layers:
        if layer.name.startswith(("block_13", "block_14", "block_15", "block_16")):
            for prefix in ("attention_", "detection_"):
                for a, b in zip(network.get_layer(prefix + layer.name).get_weights(), layer.get_weights(), strict=True):
                    np.testing.assert_array_equal(a, b)


def test_copied_blocks_compute_what_the_backbone_computes():
    original = backbone.mobilenet_v2(64)
    block5 = original.get_layer(backbone.BLOCK_5_END).output
    copied = backbone.copy_blocks(original, backbone.BLOCKS[6] + backbone.BLOCKS[7], block5, "copy_")
    both = keras.Model(original.input, [original.get_layer("block_16_project_BN").output, copied])
    expected, found = both(np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32))
    np.testing.assert_array_equal(expected, found)


def test_bundled_weights_are_keras_imagenet_release():
    content = backbone.BUNDLED_WEIGHTS.read_bytes()
    assert hashlib.sha256(content).hexdigest() == "672bb127a9f197cbe23330338cda4d536b7ac3f15d80a704c460c8be85288514"
    with np.load(backbone.BUNDLED_WEIGHTS) as weights:
        conv1 = backbone.mobilenet_v2(64).get_layer("Conv1").get_weights()[0]
        np.testing.assert_array_equal(conv1, weights["Conv1/kernel"])


def test_batch_norm_never_moves():
    network = build(2, input_size=64, width=0.35, decoder_channels=4, weights="none")
    norm = network.get_layer("detection_block_13_expand_BN")
    before = norm.get_weights()
    network(np.ones((2, 64, 64, 3), np.float32), training=True)
    assert not norm.trainable_variables
    for old, new in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_blocks_are_the_papers():
    def trained(count):
        variables = build(2, input_size=64, frozen_blocks=count, weights="none").trainable_variables
        return sum(v.shape.num_elements() for v in variables)

    # Stem 3*3*3*32; block 1: 9*32 + 32*16; block 2, two residuals t*c wide: 16*96 + 9*96 + 96*24, 24*144 + 9*144 + 144*24.
    stem_and_block1, block2 = 864 + 800, 4704 + 8208
    block3 = (24 * 144 + 9 * 144 + 144 * 32) + 2 * (32 * 192 + 9 * 192 + 192 * 32)
    everything = trained(0)
    assert everything - trained(1) == stem_and_block1
    assert everything - trained(3) == stem_and_block1 + block2 + block3


@pytest.mark.parametrize("decoder", ["full", "lite"])
def test_decoders_start_as_cpds_with_every_map_at_a_half(decoder):
    network = build(2, input_size=96, decoder=decoder, pretrained_branches=False)
    # CPD: a normal distribution of deviation 0.01, one of its own in every layer.
    layers = ("attention_decoder_conv6", "detection_decoder_conv6")
    if decoder == "lite":
        layers = ("attention_decoder_rfb1_fuse", "detection_decoder_rfb1_fuse")
    first, second = (network.get_layer(name).get_weights()[0] for name in layers)
    np.testing.assert_allclose(first.std(), 0.01, rtol=0.05)
    assert not np.array_equal(first, second)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    np.testing.assert_allclose(Outputs(*network(image)).saliency, 0.5, atol=1e-3)


def test_inverse_square_root_stops_at_its_floor():
    np.testing.assert_allclose(InverseSquareRoot()(np.array([4.0, 0.25, 1 / 64, 0.0])), [0.5, 2, 8, 8], rtol=1e-6)


@pytest.mark.parametrize("detach_map", [True, False])
def test_classification_shapes_the_map_only_if_it_is_not_detached(detach_map):
    keras.utils.set_random_seed(0)  # with four channels, a ReLU may shut all of them
    network = build(2, input_size=64, decoder_channels=4, detach_map=detach_map)
    with tf.GradientTape() as tape:
        out = Outputs(*network(np.ones((1, 64, 64, 3), np.float32)))
        target = tf.reduce_sum(out.logits**2)
    gradient = tape.gradient(target, network.get_layer("detection_decoder_logits").kernel)
    assert (gradient is None) is detach_map
    if not detach_map:
        assert np.abs(gradient).max() > 0.0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(weights="/no/such.npz"), "weights file /no/such.npz: no such file"),
        (dict(width=0.5), "expected Conv1/kernel of shape"),
    ],
)
def test_weights_that_do_not_fit(arguments, message):
    with pytest.raises(UserError, match=message):
        build(3, input_size=64, **arguments)
