import numpy as np
import pytest
import tensorflow as tf

from sdkd_tf.data.pipeline import augment, make_dataset
from sdkd_tf.data.sequence import load_sequence


@pytest.fixture(scope="module")
def examples(write_sequence, tmp_path_factory):
    return load_sequence(write_sequence(tmp_path_factory.mktemp("data"), classes=3)).tasks[0].train


def test_batches(examples):
    batches = list(make_dataset(examples, 32, 5))
    assert [len(b["label"]) for b in batches] == [5, 5, 2]
    first = batches[0]
    assert first["image"].shape == (5, 32, 32, 3) and first["mask"].shape == (5, 32, 32, 1)
    assert first["image"].numpy().min() >= -1.0 and first["image"].numpy().max() <= 1.0
    assert set(np.unique(first["mask"])) == {0.0, 1.0} and (first["has_mask"].numpy() == 1.0).all()
    assert np.concatenate([b["label"] for b in batches]).tolist() == [e.label for e in examples]


def test_pixels_keep_their_place(examples):
    # The square is pure class colour: on the mask that channel is near 1 and elsewhere below 100 / 127.5 - 1.
    for batch in make_dataset(examples, 64, 1):
        channel = batch["image"].numpy()[0, :, :, batch["label"].numpy()[0]]
        inside = batch["mask"].numpy()[0, :, :, 0] == 1
        assert channel[inside].mean() > 0.9 and channel[~inside].mean() < 0.0


def test_same_seed_same_views_and_new_views_every_epoch(examples):
    def epochs(seed):
        dataset = make_dataset(examples, 32, 12, augment_seed=seed)
        return [next(iter(dataset))["image"].numpy() for _ in range(2)]

    first, second = epochs(1)
    again, _ = epochs(1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, epochs(2)[0])


def test_augmentation_moves_image_and_mask_alike():
    mask = np.zeros((32, 32, 1), np.float32)
    mask[4:20, 10:28] = 1.0
    example = {"image": tf.constant(np.repeat(mask * 2 - 1, 3, axis=2)), "mask": tf.constant(mask)}
    masks = []
    for seed in range(20):
        view = augment(example, tf.constant([seed, 7], tf.int64))
        bright = view["image"].numpy()[..., 0] > view["image"].numpy()[..., 0].mean()
        assert np.mean(bright != (view["mask"].numpy()[..., 0] > 0.5)) < 0.06  # edges differ by the interpolation
        assert set(np.unique(view["mask"])) <= {0.0, 1.0}
        assert view["image"].numpy().min() >= -1.0 and view["image"].numpy().max() <= 1.0
        masks.append(view["mask"].numpy())
    assert len({m.tobytes() for m in masks}) > 10
