"""A linear probe: what one gets without training a network, and what a trained one should beat.

Linear discriminant analysis on the pooled features of the bundled MobileNetV2, from the training images of all tasks.
"""

import numpy as np
import tensorflow as tf

from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import TaskSequence
from sdkd_tf.model.mobilenet import MobileNetOptions, build_mobilenet
from sdkd_tf.strategies.base import embedding_of
from sdkd_tf.strategies.discriminant import ClassStatistics

_MOST = 2000  # training images that it is computed from, evenly spaced


def probe_accuracy(sequence: TaskSequence, input_size: int) -> float:
    """The mean over tasks of the probe's accuracy on their test images, in [0, 1].

    Args:
      sequence: the tasks.
      input_size: side of the network's input in pixels.
    """
    options = MobileNetOptions(input_size=max(64, input_size // 32 * 32))
    features = embedding_of(build_mobilenet(len(sequence.classes), options))
    embed = tf.function(lambda images: features(images, training=False), autograph=False)
    examples = [example for task in sequence.tasks for example in task.train]
    chosen = [examples[i] for i in np.unique(np.linspace(0, len(examples) - 1, _MOST).astype(int))]
    statistics = ClassStatistics(len(sequence.classes), features.output_shape[1])
    parts = [(embed(batch["image"]), batch["label"]) for batch in make_dataset(chosen, options.input_size, 50)]
    statistics.add(*(np.concatenate(part) for part in zip(*parts)))
    kernel, bias = statistics.discriminant()
    right = []
    for task in sequence.tasks:
        batches = make_dataset(task.test, options.input_size, 50)
        hits = [np.argmax(embed(b["image"]) @ kernel + bias, axis=1) == b["label"] for b in batches]
        right.append(np.mean(np.concatenate(hits)))
    return float(np.mean(right))
