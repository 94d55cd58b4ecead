"""One small whole file of each format, for the cases to damage."""

import functools
import pathlib

import numpy as np
import tf_keras as keras
from PIL import Image

from sdkd_tf.config import make_config
from sdkd_tf.deploy.conversion import with_uint8_input, write_models
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.deploy.head import Head
from sdkd_tf.deploy.report import Conversion, Latency, SplitReport
from sdkd_tf.evaluation.results import Provenance, Results, Scores, TaskResult
from sdkd_tf.files import SavedStates, write_json
from sdkd_tf.model.embedding import embed
from sdkd_tf.model.holistic_attention import holistic_attention
from sdkd_tf.model.refinement import refine
from sdkd_tf.model.weights import save_weights
from sdkd_tf.reporting.compare import write_records
from sdkd_tf.reporting.comparison_tables import Int8Accuracy, Record
from sdkd_tf.run import State
from sdkd_tf.strategies.discriminant import ClassStatistics

layers = keras.layers


def write_sources(folder):
    """Fills an empty folder."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).save(folder / "image.jpg", exif=exif)
    Image.fromarray(noise).convert("L").save(folder / "grey.jpg", progressive=True)
    Image.fromarray(noise).convert("P").save(folder / "image.png", transparency=3)
    _write_models(folder)
    (folder / "golden").mkdir()
    write_golden(folder / "golden", folder / "float.tflite", [folder / "image.jpg"], list("abc"))
    statistics = ClassStatistics(3, 4)
    statistics.add(np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3)
    Head(["a", "b", "c"], statistics).write(folder / "head.json")
    state = State(1, 0, results(), {"kept": [["a.jpg", 0, None, None]]})
    SavedStates(folder / "progress").save(state, [noise, np.float32(0.5), np.arange(3.0)])
    save_weights(small_network(), folder / "weights.npz")
    _write_run(folder / "run", noise)
    records = [
        Record(arm, cell, make_config(strategy=arm), results(), Int8Accuracy(0.7, 0.6))
        for arm in ("finetune", "joint")
        for cell in "ab"
    ]
    write_records(folder / "runs.jsonl", {(record.arm, record.cell): record for record in records})
    for layout in ("csv", "filelists"):
        _write_data(folder / layout, layout)


def _write_models(folder):
    """Every operator of SDKD's network in a hundredth of its size, in float and in int8."""
    keras.utils.set_random_seed(0)
    for name in ("float", "int8"):
        image = layers.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, 2, padding="same", activation="relu")(image)
        x = layers.DepthwiseConv2D(3)(layers.ZeroPadding2D()(x))
        small = layers.MaxPooling2D(2)(layers.ReLU(6.0)(layers.BatchNormalization()(x)))
        x = layers.Concatenate()([x, layers.UpSampling2D(2, interpolation="bilinear")(small)])
        attended = holistic_attention(layers.Conv2D(1, 3, padding="same")(x), x, 3, "attention")
        saliency = refine(layers.Conv2D(1, 3, padding="same")(attended))
        embedding = embed([x], saliency, "mass")
        model = keras.Model(image, [layers.Softmax()(layers.Dense(3)(embedding)), saliency, embedding])
        if name == "float":
            write_models(folder, name, with_uint8_input(model), list("abc"))
        else:
            noise = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
            write_models(folder, name, model, list("abc"), [{"image": noise}] * 3)


@functools.cache
def small_network():
    """A network with weights of several shapes."""
    image = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    return keras.Model(image, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D()(x)))


def _write_run(directory, noise):
    (directory / "tflite").mkdir(parents=True)
    write_json(directory / "config.json", make_config())
    write_json(directory / "results.json", results())
    write_json(directory / "tflite" / "conversion.json", {"qat": conversion(), "float": conversion()})
    np.savez_compressed(directory / "saliency.npz", images=noise[None], maps=np.zeros((2, 1, 4, 4, 1), np.float32))


def results():
    tasks = []
    for name, accuracy in (("task1", [0.9, 0.5]), ("task2", [0.7, 0.8])):
        scores = [Scores(accuracy, [0.1, None]), Scores(accuracy, [0.2, 0.1])]
        losses = {"loss": [1.0, 0.5]}
        tasks.append(TaskResult(name, 8, 2, 1000, {"translator_error": 0.1}, losses, 10.5, 20.5, 1000.0, *scores))
    provenance = Provenance({"numpy": "2"}, None, {"cores": "2"})
    found = Results(list("abc"), "f" * 64, {"a.jpg": ["is damaged"]}, 2_000_000, None, tasks, provenance)
    found.test_counts, found.test_images = [8, 8], 16
    return found


def conversion():
    accuracy = {"task1": {"float": 0.9, "tflite": 0.8}, "task2": {"float": 0.7, "tflite": 0.7}}
    splits = [SplitReport(accuracy, 0.9, 0.01, {"float": 0.1, "tflite": 0.11})] * 2
    return Conversion("sdkd_int8.tflite", 5_000_000, ["SUB x1"], Latency(1.5, 1, "x86_64"), *splits, 50, "f" * 64)


def _write_data(root, layout):
    rng = np.random.default_rng(0)  # one image twice would be a copy in another split
    for split in ("train", "validation", "test"):
        for batch in ("batch1", "batch2"):
            folder = root / split / batch
            for name in ("cup", "ball"):
                (folder / name).mkdir(parents=True)
                for number in range(2):
                    noise = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
                    Image.fromarray(noise).save(folder / name / f"{number}.jpg")
            rows = [f"{i},{name}/{i % 2}.jpg,{name}\n" for i, name in enumerate(("cup", "cup", "ball", "ball"))]
            if layout == "csv":
                (folder / "label.csv").write_text(",file name,label\n" + "".join(rows))
    if layout == "filelists":
        lists = root / "batches_filelists" / "domain" / "iros"
        lists.mkdir(parents=True)
        for name, split, batch in (
            ("train_batch_00", "train", "batch1"),
            ("train_batch_01", "train", "batch2"),
            ("test", "test", "batch1"),
        ):
            files = [
                f"{split}/{batch}/{c}/{i}.jpg {label}\n" for label, c in enumerate(("cup", "ball")) for i in (0, 1)
            ]
            pathlib.Path(lists / f"{name}.txt").write_text("".join(files))
