"""One small whole file of each format, for the cases to damage."""

import json
import pathlib
import shutil

import numpy as np
import tf_keras as keras
from PIL import Image
from sdkd_tf.deploy.runtime import Classifier
from sdkd_tf.progress import Progress

from sdkd_tf.deploy.conversion import with_uint8_input, write_models
from sdkd_tf.deploy.golden import write_golden
from sdkd_tf.model.holistic_attention import holistic_attention
from sdkd_tf.model.network import masked_pooling
from sdkd_tf.model.refinement import refine

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
    classifier = Classifier(folder / "float.tflite")
    (folder / "golden").mkdir()
    write_golden(folder / "golden", "float.tflite", classifier, folder / "image.jpg", list("abc"))
    Progress(folder / "progress").save({"task": 1, "names": ["a"]}, [noise, np.float32(0.5), np.arange(3.0)])
    (folder / "results.json").write_text(json.dumps(results()))
    (folder / "conversion.json").write_text(json.dumps({"qat": conversion(), "float": conversion()}))
    for layout in ("csv", "filelists"):
        _write_data(folder / layout, layout, folder / "image.jpg")


def _write_models(folder):
    """Every operator of SDKD's network in a hundredth of its size, in float and in int8, and as Keras saves it."""
    keras.utils.set_random_seed(0)
    for name, refinement in (("float", "reconstruct"), ("int8", "conv")):
        image = layers.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, 2, padding="same", activation="relu")(image)
        x = layers.DepthwiseConv2D(3)(layers.ZeroPadding2D()(x))
        small = layers.MaxPooling2D(2)(layers.ReLU(6.0)(layers.BatchNormalization()(x)))
        x = layers.Concatenate()([x, layers.UpSampling2D(2, interpolation="bilinear")(small)])
        logits = layers.Conv2D(1, 3, padding="same")(x)
        x = holistic_attention(logits, x, 3, "attention")
        _, saliency = refine(logits, refinement)
        probabilities = layers.Softmax()(layers.Dense(3)(masked_pooling(x, saliency, "mass")))
        model = keras.Model(image, [probabilities, saliency])
        if name == "float":
            write_models(folder, name, with_uint8_input(model), list("abc"))
            dense = layers.Dense(3, name="logits")(masked_pooling(x, saliency, "mean"))
            network = keras.Model(image, [dense, saliency])
            network.save(folder / "model.keras")
            _write_weights(network, folder / "weights.npz")
        else:
            noise = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
            write_models(folder, name, model, list("abc"), [{"image": noise}] * 3)


def _write_weights(network, path):
    weights = {w.name.removesuffix(":0"): w.numpy() for layer in network.layers for w in layer.weights}
    np.savez(path, **weights)


def results():
    matrix = {"validation": [[0.9, 0.5], [0.7, 0.8]], "test": [[0.8, 0.5], [0.7, 0.9]]}
    return {
        "strategy": "sdkd",
        "architecture": "sdkd",
        "seed": 0,
        "input_size": 96,
        "parameters": 2_000_000,
        "tasks": ["task1", "task2"],
        "accuracy_matrix": matrix,
        "saliency_mae_matrix": {"validation": [[0.1, None], [0.1, 0.2]], "test": matrix["test"]},
        "seconds_per_task": [10.5, 9.25],
        "cpu_seconds_per_task": [20.5, 18.25],
        "peak_memory_mb": [1000.0, 1001.5],
        "replay_images": 0,
        "stored_bytes": 0,
    }


def conversion():
    accuracy = {"task1": {"float": 0.9, "tflite": 0.8}, "task2": {"float": 0.7, "tflite": 0.7}}
    maes = {"float": 0.1, "tflite": 0.11}
    split = {"accuracy": accuracy, "top1_agreement": 0.9, "saliency_difference": 0.01, "saliency_mae": maes}
    return {
        "file": "sdkd_int8.tflite",
        "bytes": 5_000_000,
        "validation": split,
        "test": {**split, "resized": {"nearest": 0.7, "bilinear": 0.8}},
        "float_ops": ["SUB x1"],
        "latency": {"median_ms": 1.5, "threads": 1, "machine": "x86_64"},
    }


def _write_data(root, layout, image):
    for split in ("train", "validation", "test"):
        for batch in ("batch1", "batch2"):
            folder = root / split / batch
            for name in ("cup", "ball"):
                (folder / name).mkdir(parents=True)
                for number in range(2):
                    shutil.copyfile(image, folder / name / f"{number}.jpg")
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
