"""Pretraining of the saliency branches: what the images look like, and what a step changes by how much."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.files import read_npz
from sdkd_tf.model.network import BUNDLED_BRANCHES, NetworkOptions, branch_layers, build_network
from tools.pretrain_saliency.training import BLOCK_RATE, NOISE, TINT, Pretraining, batches, disturb, pretrain


def rendered(count, side=64):
    """Gray images with a white square each, which is the object, of two labels."""
    images, masks = np.full((count, side, side, 3), 90, np.uint8), np.zeros((count, side, side), bool)
    images[:, 20:44, 20:44], masks[:, 20:44, 20:44] = 255, True
    return {"image": images, "mask": masks, "label": np.arange(count) % 2}


def test_every_second_image_gets_noise_and_all_of_them_a_tint():
    image, noisy = tf.zeros([40, 40, 3]), []
    for number in range(40):
        channels = disturb(image, tf.constant([0, number], tf.int64)).numpy().reshape(-1, 3)
        deviation, tint = channels.std(axis=0).max(), channels.mean(axis=0)
        noisy.append(deviation > 1e-4)  # less is rounding
        assert deviation < 1.05 * NOISE * (1 + TINT)
        assert np.abs(tint).max() < TINT + 0.01 and np.ptp(tint) > 1e-3
    assert 10 <= sum(noisy) <= 30


def test_batches_are_full_aligned_and_depend_on_the_seed_only():
    data = rendered(20)
    first, again, other = (list(batches(data, 2, seed)) for seed in (0, 0, 1))
    assert len(first) == 40 // 16
    for batch, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(batch["image"], same["image"])
        assert not np.array_equal(batch["image"], different["image"])
        assert batch["image"].shape == (16, 128, 128, 3) and batch["mask"].shape == (16, 128, 128, 1)
        for image, mask in zip(batch["image"].numpy().mean(axis=-1), batch["mask"].numpy()[..., 0] > 0.5):
            if mask.any():  # the square stays brighter than its surroundings
                assert image[mask].mean() > image[~mask].mean()


def test_a_step_moves_blocks_6_and_7_at_a_fifth_of_the_rate_and_blocks_1_to_5_not_at_all():
    keras.utils.set_random_seed(0)
    options = NetworkOptions(input_size=64, decoder_channels=4, frozen_blocks=5, detach_map=True, embedding="block5")
    network = build_network(2, options)
    network.get_layer("holistic_attention_blur").trainable = False  # as in `pretrain`
    before = {variable.name: variable.numpy() for variable in network.variables}
    model = Pretraining(network, 2)
    model.compile()
    model.optimizer.learning_rate = 1e-3
    images = tf.random.stateless_uniform([4, 64, 64, 3], (0, 1), -1.0, 1.0)
    mask = tf.pad(tf.ones([4, 32, 32, 1]), [[0, 0], [0, 32], [0, 32], [0, 0]])
    model.train_step({"image": images, "mask": mask, "label": tf.constant([0, 1, 0, 1])})
    moved = {variable.name: np.abs(variable.numpy() - before[variable.name]).max() for variable in network.variables}
    blocks = {name: distance for name, distance in moved.items() if "tion_block_" in name and "_BN/" not in name}
    decoders = {name: distance for name, distance in moved.items() if "_decoder_" in name}
    # Adam's first step has the size of the learning rate for every weight with a gradient that is not tiny.
    assert max(blocks.values()) == pytest.approx(BLOCK_RATE * 1e-3, rel=0.01)
    assert max(decoders.values()) == pytest.approx(1e-3, rel=0.01)
    rest = {name: distance for name, distance in moved.items() if name not in {**blocks, **decoders}}
    assert max(rest.values()) == 0 and any(name.startswith("block_12") for name in rest)


@pytest.mark.long
def test_the_lite_decoders_are_trained_on_the_bundled_blocks():
    network, bundled = pretrain(rendered(16), 1, "lite"), read_npz(BUNDLED_BRANCHES)
    blocks = [layer for layer in branch_layers(network) if "decoder" not in layer.name]
    names = [variable.name.removesuffix(":0") for layer in blocks for variable in layer.weights]
    assert names and all(name.startswith("detection_block_1") for name in names)
    for layer in blocks:
        for variable in layer.weights:
            np.testing.assert_array_equal(variable, bundled[variable.name.removesuffix(":0")].astype(np.float32))
