"""How a mutated file of each format is made and read. A reader may return or raise UserError, nothing else."""

import contextlib
import io
import json
import os
import shutil
import zipfile

import numpy as np

from tests.fuzz.mutations import TEXTS, mutate_bytes, mutate_json, mutate_model


def tflite(rng, sources, folder):
    """Half of the cases change bytes, half the objects, which gets past the FlatBuffer's own structure."""
    from sdkd_tf.deploy.cost import cost
    from sdkd_tf.deploy.flatbuffer import pack, unpack
    from sdkd_tf.deploy.runtime import Classifier, float_operators

    content = rng.choice(sorted(sources.glob("*.tflite"))).read_bytes()
    if rng.randrange(2):
        content = mutate_bytes(rng, content)
    else:
        try:
            content = pack(mutate_model(rng, unpack(content)))
        except Exception:  # an object that cannot be written is no file
            return
    path = folder / "model.tflite"
    path.write_bytes(content)
    cost(path)
    float_operators(path)
    classifier = Classifier(path)
    classifier(np.zeros((classifier.input_size, classifier.input_size, 3), np.uint8))


def progress(rng, sources, folder):
    from sdkd_tf.progress import Progress

    (source,) = (sources / "progress").iterdir()
    _mutate_archive(rng, source, folder / "000000.npz")
    with contextlib.redirect_stdout(io.StringIO()):  # tells what is damaged
        Progress(folder).load()


def weights(rng, sources, folder):
    from sdkd_tf.model.backbone import _load_npz

    _mutate_archive(rng, sources / "weights.npz", folder / "weights.npz")
    _load_npz(_network(sources), folder / "weights.npz")


def keras(rng, sources, folder):
    from sdkd_tf.model.saved import load_network

    with contextlib.redirect_stdout(io.StringIO()):
        _mutate_archive(rng, sources / "model.keras", folder / "model.keras")
        load_network(folder / "model.keras")


def results(rng, sources, folder):
    from sdkd_tf.comparison import table
    from sdkd_tf.report import summary

    _mutate_json_file(rng, sources / "results.json", folder / "results.json")
    summary(folder)
    table({("arm", "0"): folder, ("arm", "1"): folder})


def conversion(rng, sources, folder):
    from sdkd_tf.report import summary

    shutil.copyfile(sources / "results.json", folder / "results.json")
    (folder / "tflite").mkdir()
    _mutate_json_file(rng, sources / "conversion.json", folder / "tflite" / "conversion.json")
    summary(folder)


def golden(rng, sources, folder):
    from sdkd_tf.deploy.golden import read_golden

    shutil.copytree(sources / "golden", folder, dirs_exist_ok=True)
    _mutate_json_file(rng, sources / "golden" / "expected.json", folder / "expected.json")
    read_golden(folder)


def data(rng, sources, folder):
    """A list or a CSV file, with its images beside it."""
    from sdkd_tf.data.sequence import Problems, check_images, load_sequence

    source = sources / rng.choice(("csv", "filelists"))
    root = folder / "data"
    shutil.copytree(source, root, copy_function=os.link)
    path = rng.choice(sorted([*root.rglob("label.csv"), *root.rglob("*.txt")]))
    content = path.read_bytes()
    if rng.randrange(2):
        content = mutate_bytes(rng, content)
    else:
        words = content.replace(b",", b" ").replace(b"\n", b" ").split(b" ")
        content = content.replace(rng.choice(words), rng.choice(TEXTS).encode(), rng.choice((1, 100)))
    path.unlink()
    path.write_bytes(content)
    problems = Problems()
    sequence = load_sequence(root, problems=problems)
    for task in sequence.tasks:
        for example in (*task.train, *task.validation, *task.test):
            assert example.image.resolve().is_relative_to(root.resolve()), f"{example.image} lies outside"
    check_images(sequence, problems)


def image(rng, sources, folder):
    """Damage in the header, where sizes and types stand."""
    from sdkd_tf.data.sequence import Example, examine

    source = rng.choice(sorted([*sources.glob("*.jpg"), *sources.glob("*.png")]))
    path = folder / source.name
    path.write_bytes(mutate_bytes(rng, source.read_bytes(), until=400))
    _, problems = examine(Example(path, 0, path if rng.randrange(2) else None))
    assert all("\n" not in problem for problem in problems)


FORMATS = {f.__name__: f for f in (tflite, progress, weights, keras, results, conversion, golden, data, image)}


def _mutate_archive(rng, source, target):
    """Damages a zip archive's bytes, or a part of it within a whole archive, where no checksum tells."""
    if rng.randrange(3) == 0:
        target.write_bytes(mutate_bytes(rng, source.read_bytes()))
        return
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(parts))
    if name == "config.json":
        parts[name] = json.dumps(mutate_json(rng, json.loads(parts[name]))).encode()
    else:
        parts[name] = mutate_bytes(rng, parts[name], until=rng.choice((None, 128)))
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _mutate_json_file(rng, source, target):
    if rng.randrange(4) == 0:
        target.write_bytes(mutate_bytes(rng, source.read_bytes()))
    else:
        target.write_text(json.dumps(mutate_json(rng, json.loads(source.read_text()))))


def _network(sources, networks={}):  # noqa: B006  kept for all cases of the process
    from sdkd_tf.model.saved import load_network

    if not networks:
        with contextlib.redirect_stdout(io.StringIO()):
            networks[0] = load_network(sources / "model.keras")
    return networks[0]
