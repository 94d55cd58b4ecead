import pathlib

import numpy as np
import pytest
import tf_keras as keras
from PIL import Image

from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import Example, Task, TaskSequence, load_tasks
from sdkd_tf.evaluation.confusion import Predictions, predict_test_images
from tests.tiny_run import tiny_network


@pytest.fixture
def predicted():
    """Labels 0, 0, 1, 1, 2, 2, of which the third, fifth and sixth are wrong."""
    probabilities = [[9, 1, 0], [6, 2, 2], [5, 4, 1], [1, 8, 1], [1, 7, 2], [7, 1, 2]]
    examples = [Example(pathlib.Path(f"{number}.jpg"), number // 2, None) for number in range(6)]
    return Predictions(examples, ["a"] * 6, np.array(probabilities, np.float32) / 10, None)


def test_confusion_matrix_by_hand(predicted):
    np.testing.assert_array_equal(predicted.confusion(), [[2, 0, 0], [1, 1, 0], [1, 1, 0]])


def test_mistakes_are_those_with_the_highest_probability_of_a_wrong_label(predicted):
    assert predicted.worst_mistakes(20) == [4, 5, 2] and predicted.worst_mistakes(1) == [4]


@pytest.mark.parametrize("maps", [True, False])
def test_predictions_are_those_of_the_network_and_each_image_counts_once(write_sequence, tmp_path, maps):
    sequence = load_tasks(DataOptions(data_dir=str(write_sequence(tmp_path, held_out=3))))
    both = sequence.tasks[0].test + sequence.tasks[1].test
    twice = [Task(task.name, task.train, task.validation, both) for task in sequence.tasks]
    network = tiny_network(2)
    if not maps:
        network = keras.Model(network.input, network.outputs[0])
    found = predict_test_images(network, TaskSequence(sequence.classes, tuple(twice), sequence.root), 32)
    assert found.examples == list(both) and found.tasks == ["task1"] * 12
    images = [np.asarray(Image.open(e.image).resize((32, 32), Image.Resampling.BILINEAR)) for e in both]
    expected = network(np.stack(images) / np.float32(127.5) - 1)
    logits, saliency = expected[:2] if maps else (expected, None)
    np.testing.assert_allclose(found.probabilities, keras.activations.softmax(logits), atol=1e-5)
    if maps:
        np.testing.assert_allclose(found.saliency, saliency[..., 0], atol=1e-5)
    else:
        assert found.saliency is None
