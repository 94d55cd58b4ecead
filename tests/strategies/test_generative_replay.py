import types

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.model.network import as_outputs
from sdkd_tf.strategies import GenerativeReplay
from sdkd_tf.strategies.conditional_vae import ConditionalVAE


def test_the_generator_learns_what_a_label_looks_like():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 128).astype(np.int32)
    images = np.full((128, 16, 16, 3), -0.8, np.float32)
    images[np.arange(128), :, :, labels] = 0.8  # class 0 is red, class 1 green
    images += rng.normal(0, 0.05, images.shape)
    vae = ConditionalVAE(2, image_size=16, code_size=4)
    vae.compile(keras.optimizers.Adam(3e-3))
    data = tf.data.Dataset.from_tensor_slices((images.astype(np.float32), labels)).shuffle(128, seed=0).batch(32)
    vae.fit(data, epochs=40, verbose=0)
    for label, color in ((0, (0.8, -0.8, -0.8)), (1, (-0.8, 0.8, -0.8))):
        drawn = vae.sample(np.full(8, label, np.int32)).numpy()
        assert drawn.shape == (8, 16, 16, 3)
        np.testing.assert_allclose(drawn.mean(axis=(0, 1, 2)), color, atol=0.3)


def test_what_is_drawn_is_labeled_by_the_network_and_has_no_mask(tiny_network):
    strategy = GenerativeReplay(tiny_network(3), GenerativeReplay.Options(generated_images=6))
    new = tf.data.Dataset.from_tensors({"image": tf.zeros((2, 32, 32, 3))})
    first = types.SimpleNamespace(index=0, augmented=lambda: new)
    strategy.begin_task(first)
    assert strategy.training_batches(first) is new
    strategy.begin_task(types.SimpleNamespace(index=1))
    drawn = {name: tf.convert_to_tensor(values) for name, values in strategy.drawn.items()}
    logits = as_outputs(strategy.student(drawn["image"])).logits
    np.testing.assert_array_equal(drawn["label"], tf.argmax(logits, axis=1))
    assert drawn["image"].shape == (6, 32, 32, 3) and not drawn["has_mask"].numpy().any()
    new = tf.data.Dataset.from_tensors({**{k: v[:2] for k, v in drawn.items()}, "label": tf.constant([7, 7])}).repeat(4)
    batches = list(strategy.training_batches(types.SimpleNamespace(index=1, augmented=lambda: new)))
    assert len(batches) == 4 and batches[0]["image"].shape == (4, 32, 32, 3)
    assert batches[0]["label"].numpy()[:2].tolist() == [7, 7] and max(batches[0]["label"].numpy()[2:]) < 3
