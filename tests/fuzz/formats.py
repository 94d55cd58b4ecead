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
    from benchmarks.latency import cost
    from sdkd_tf.deploy import tflite
    from tests.fuzz import forked

    content = rng.choice(sorted(sources.glob("*.tflite"))).read_bytes()
    if rng.randrange(2):
        content = mutate_bytes(rng, content)
    else:
        try:
            content = tflite.pack(mutate_model(rng, tflite.unpack(content)))
        except Exception:  # an object that cannot be written is no file
            return
    path = folder / "model.tflite"
    path.write_bytes(content)
    tflite.child.failure, tflite._SECONDS = forked.failure, 20
    tflite.float_operators(path)
    cost(path)
    classifier = tflite.Classifier(path)
    classifier(np.zeros((classifier.input_size, classifier.input_size, 3), np.uint8))


def progress(rng, sources, folder):
    from sdkd_tf.files import SavedStates
    from sdkd_tf.run import State

    (source,) = (sources / "progress").iterdir()
    _mutate_archive(rng, source, folder / "000000.npz")
    with contextlib.redirect_stdout(io.StringIO()):  # tells what is damaged
        SavedStates(folder).load(State)


def weights(rng, sources, folder):
    from sdkd_tf.model.weights import load_weights
    from tests.fuzz.sources import small_network

    _mutate_archive(rng, sources / "weights.npz", folder / "weights.npz")
    load_weights(small_network(), folder / "weights.npz")


def results(rng, sources, folder):
    _damaged_run(rng, sources, folder, "results.json")


def config(rng, sources, folder):
    _damaged_run(rng, sources, folder, "config.json")


def conversion(rng, sources, folder):
    _damaged_run(rng, sources, folder, "tflite/conversion.json")


def saliency(rng, sources, folder):
    _damaged_run(rng, sources, folder, "saliency.npz")


def _damaged_run(rng, sources, folder, name):
    """Reads a run of which one file is damaged."""
    from sdkd_tf.reporting.tables import summary
    from sdkd_tf.run import Run

    shutil.copytree(sources / "run", folder, dirs_exist_ok=True)
    mutate = _mutate_archive if name.endswith(".npz") else _mutate_json_file
    mutate(rng, sources / "run" / name, folder / name)
    run = Run(folder)
    summary(run)
    run.saliency()


def records(rng, sources, folder):
    """The runs of a comparison, a line each."""
    from sdkd_tf.reporting.compare import read_records
    from sdkd_tf.reporting.comparison_tables import table

    path = folder / "runs.jsonl"
    lines = (sources / "runs.jsonl").read_bytes().splitlines()
    if rng.randrange(4) == 0:
        path.write_bytes(mutate_bytes(rng, b"\n".join(lines)))
    else:
        number = rng.randrange(len(lines))
        lines[number] = json.dumps(mutate_json(rng, json.loads(lines[number]))).encode()
        path.write_bytes(b"\n".join(lines))
    table([*read_records(path).values()])


def golden(rng, sources, folder):
    from sdkd_tf.deploy.golden import read_golden

    shutil.copytree(sources / "golden", folder, dirs_exist_ok=True)
    _mutate_json_file(rng, sources / "golden" / "expected.json", folder / "expected.json")
    read_golden(folder)


def data(rng, sources, folder):
    """A list or a CSV file, with its images beside it."""
    from sdkd_tf.data.checks import check_images
    from sdkd_tf.data.selection import DataOptions
    from sdkd_tf.data.sequence import Problems, load_tasks

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
    sequence = load_tasks(DataOptions(data_dir=str(root)), problems)
    for example in (example for task in sequence.tasks for example in task.examples):
        assert example.image.resolve().is_relative_to(root.resolve()), f"{example.image} lies outside"
    check_images(sequence, problems)


def image(rng, sources, folder):
    """Damage in the header, where sizes and types stand."""
    from sdkd_tf.data.checks import examine
    from sdkd_tf.data.sequence import Example

    source = rng.choice(sorted([*sources.glob("*.jpg"), *sources.glob("*.png")]))
    path = folder / source.name
    path.write_bytes(mutate_bytes(rng, source.read_bytes(), until=400))
    _, problems, _ = examine(Example(path, 0, path if rng.randrange(2) else None))
    assert all("\n" not in problem for problem in problems)


_ALL = (tflite, progress, weights, results, config, conversion, saliency, records, golden, data, image)
FORMATS = {f.__name__: f for f in _ALL}


def _mutate_archive(rng, source, target):
    """Damages a zip archive's bytes, or a part of it within a whole archive, where no checksum tells."""
    if rng.randrange(3) == 0:
        target.write_bytes(mutate_bytes(rng, source.read_bytes()))
        return
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(parts))
    parts[name] = mutate_bytes(rng, parts[name], until=rng.choice((None, 128)))
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _mutate_json_file(rng, source, target):
    if rng.randrange(4) == 0:
        target.write_bytes(mutate_bytes(rng, source.read_bytes()))
    else:
        target.write_text(json.dumps(mutate_json(rng, json.loads(source.read_text()))))
