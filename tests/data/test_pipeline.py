import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sdkd_tf.data import pipeline
from sdkd_tf.data.pipeline import DecodedImages, make_dataset
from sdkd_tf.data.sequence import Example
from tests.loading import load


@pytest.fixture(scope="module")
def examples(write_sequence, tmp_path_factory):
    return load(write_sequence(tmp_path_factory.mktemp("data"), classes=3)).tasks[0].train


def test_batches(examples):
    batches = list(make_dataset(examples, 32, 5))
    assert [len(b["label"]) for b in batches] == [5, 5, 2]
    first = batches[0]
    assert first["image"].shape == (5, 32, 32, 3) and first["mask"].shape == (5, 32, 32, 1)
    assert first["image"].numpy().min() >= -1.0 and first["image"].numpy().max() <= 1.0
    assert set(np.unique(first["mask"])) == {0.0, 1.0} and (first["has_mask"].numpy() == 1.0).all()
    assert np.concatenate([b["label"] for b in batches]).tolist() == [e.label for e in examples]


@pytest.fixture
def opened(monkeypatch):
    files = []
    original = pipeline.open_image
    monkeypatch.setattr(pipeline, "open_image", lambda path: files.append(path) or original(path))
    return files


def test_images_in_memory_are_decoded_once(examples, opened):
    plain = [batch["image"].numpy() for batch in make_dataset(examples, 32, 5)]
    varied = [batch["image"].numpy() for batch in make_dataset(examples, 32, 5, seed=1, batches=4)]
    opened.clear()
    memory = DecodedImages()
    for _ in range(2):
        for image, batch in zip(plain, make_dataset(examples, 32, 5, memory=memory), strict=True):
            np.testing.assert_array_equal(image, batch["image"])
    batches = make_dataset(examples, 32, 5, seed=1, batches=4, memory=memory)
    for image, batch in zip(varied, batches, strict=True):
        np.testing.assert_array_equal(image, batch["image"])
    assert sorted(opened) == sorted(str(e.image) for e in examples)


def test_images_beyond_the_limit_are_decoded_each_time(examples, opened):
    memory = DecodedImages(limit=3 * 4 * 32 * 32 + 1)
    for _ in range(2):
        assert len(list(make_dataset(examples, 32, 5, memory=memory))) == 3
    assert len(opened) == 2 * len(examples) - 3


def test_pixels_keep_their_place(examples):
    # The square is pure class color: on the mask that channel is near 1 and elsewhere below 100 / 127.5 - 1.
    for batch in make_dataset(examples, 64, 1):
        channel = batch["image"].numpy()[0, :, :, batch["label"].numpy()[0]]
        inside = batch["mask"].numpy()[0, :, :, 0] == 1
        assert channel[inside].mean() > 0.9 and channel[~inside].mean() < 0.0


def test_a_seed_makes_a_stream_of_new_views_that_is_the_same_from_its_start(examples):
    def passes(seed):
        return [batch["image"].numpy() for batch in make_dataset(examples, 32, 12, seed=seed, batches=3)]

    dataset = make_dataset(examples, 32, 12, seed=1, batches=3)
    next(iter(dataset))  # who reads from it first does not change what the next one reads
    first, second, third = (batch["image"].numpy() for batch in dataset)
    for image, again in zip((first, second, third), passes(1)):
        np.testing.assert_array_equal(image, again)
    assert not np.array_equal(first, second) and not np.array_equal(first, passes(2)[0])


def test_every_batch_is_full(examples):
    batches = list(make_dataset(examples, 32, 5, seed=1, batches=4))
    assert [len(b["label"]) for b in batches] == [5] * 4
    first_pass = np.concatenate([b["label"] for b in batches])[:12]
    assert np.bincount(first_pass).tolist() == [4, 4, 4]


def test_the_parts_of_the_replicas_make_the_batches(examples):
    """Two workers of two replicas each."""
    parts = []
    for worker in range(2):
        context = tf.distribute.InputContext(2, worker, num_replicas_in_sync=4)
        parts.append(list(make_dataset(examples, 32, 8, seed=1, batches=3, input_context=context)))
    for number, batch in enumerate(make_dataset(examples, 32, 8, seed=1, batches=3)):
        replicas = [part[2 * number + replica] for part in parts for replica in range(2)]
        for name, values in batch.items():
            np.testing.assert_array_equal(np.concatenate([replica[name] for replica in replicas]), values)


def test_every_pass_holds_every_index_once_in_an_order_of_its_own():
    indices = np.array(list(pipeline.shuffled_passes(50, 3).take(2000).as_numpy_iterator())).reshape(40, 50)
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.tile(np.arange(50), (40, 1)))
    assert len({tuple(row) for row in indices}) == 40
    # Were places drawn uniformly, the mean of 40 would have the standard deviation 14.4 / sqrt(40) = 2.3.
    assert np.abs(indices.mean(axis=0) - 24.5).max() < 4 * 2.3


def test_a_box_is_a_filled_mask_where_there_is_no_mask(examples, tmp_path):
    Image.new("RGB", (128, 64), "white").save(tmp_path / "wide.jpg")
    boxed = Example(tmp_path / "wide.jpg", 0, None, box=(32, 0, 96, 32))
    without = dataclasses.replace(boxed, box=None)
    both = dataclasses.replace(examples[0], box=(0, 0, 1, 1))
    batch = next(iter(make_dataset([boxed, without, both, examples[0]], 64, 4)))
    expected = np.zeros((64, 64))
    expected[16:32, 16:48] = 1.0  # half the size, and 16 rows of black above
    np.testing.assert_array_equal(batch["mask"][0, :, :, 0], expected)
    bars = np.ones((64, 64, 3), np.float32)
    bars[16:48] = -1.0  # the aspect is kept: black above and below
    np.testing.assert_array_equal(batch["image"][0], -bars)
    assert batch["has_mask"].numpy().tolist() == [1.0, 0.0, 1.0, 1.0] and not batch["mask"][1].numpy().any()
    np.testing.assert_array_equal(batch["mask"][2], batch["mask"][3])
    assert batch["mask"][3].numpy().sum() == 625  # the mask, 25x25
