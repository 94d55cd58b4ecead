"""Masks for training images that have none: what the pretrained saliency map marks.

Without them, nothing would hold the map while the network learns. They also show rehearsal where the object is.
"""

import dataclasses
import itertools
import pathlib

import tensorflow as tf
import tf_keras as keras
from PIL import Image
from tqdm import tqdm

from sdkd_tf.data.images import crop_letterbox, open_image
from sdkd_tf.data.pipeline import make_dataset
from sdkd_tf.data.sequence import Example, TaskSequence
from sdkd_tf.evaluation.upsampling import upsample
from sdkd_tf.model.network import as_outputs

_LEAST = 0.005  # smallest marked share of an image that counts as an object


def with_pseudo_masks(sequence: TaskSequence, network: keras.Model, directory: pathlib.Path) -> TaskSequence:
    """Gives every training image without a mask or box a pseudo-mask, unless the map marks nothing.

    Args:
      sequence: the tasks.
      network: a network with a saliency map, which is not changed.
      directory: where the masks are written as PNG files, as large as the network sees the images.

    Returns:
      The sequence with these masks. Its validation and test images stay without.
    """
    missing = list(dict.fromkeys(e for task in sequence.tasks for e in task.train if not (e.mask or e.box)))
    if not missing:
        return sequence
    call = tf.function(lambda images: network(images, training=False), autograph=False)
    directory.mkdir(parents=True, exist_ok=True)
    masked: dict[Example, Example] = {}
    size = network.input_shape[1]
    batches = tqdm(make_dataset(missing, size, 50), desc="marking objects", unit="batch")
    maps = itertools.chain.from_iterable(as_outputs(call(batch["image"])).saliency.numpy() for batch in batches)
    for number, (example, saliency) in enumerate(zip(missing, maps)):
        marked = crop_letterbox(upsample(saliency[..., 0], size, size), *open_image(example.image).size) > 0.5
        if marked.mean() >= _LEAST:
            path = directory / f"{number:06}.png"
            Image.fromarray(marked).save(path)
            masked[example] = dataclasses.replace(example, mask=path)
    tasks = [dataclasses.replace(task, train=tuple(masked.get(e, e) for e in task.train)) for task in sequence.tasks]
    return dataclasses.replace(sequence, tasks=tuple(tasks))
