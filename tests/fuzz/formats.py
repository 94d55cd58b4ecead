"""How a mutated file of each format is made and read. A reader may return or raise UserError, nothing else."""

import base64
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
    from sdkd_tf.deploy.measurement import latencies
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
    latencies([path], threads=1, runs=1)
    classifier = tflite.Classifier(path)
    shape = classifier.input_size, classifier.input_size, 3
    classifier(np.random.default_rng(rng.randrange(1 << 32)).integers(0, 256, shape).astype(np.uint8))


def states(rng, sources, folder):
    """Half of the cases damage the file, half the JSON in it, which is then of another version."""
    from sdkd_tf.files import SavedStates, read_npz, write_npz
    from sdkd_tf.run import State

    (source,) = (sources / "progress").iterdir()
    if rng.randrange(2):
        _mutate_archive(rng, source, folder / "000000.npz")
    else:
        encoded, *arrays = read_npz(source).values()
        write_npz(folder / "000000.npz", np.frombuffer(_mutated_json(rng, encoded.tobytes()), np.uint8), *arrays)
    saved = SavedStates(folder)
    with contextlib.redirect_stdout(io.StringIO()), saved.fitting("--overwrite starts again"):  # tells what is damaged
        saved.load(State)


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
    if name.endswith(".npz"):
        _mutate_archive(rng, sources / "run" / name, folder / name)
    else:
        (folder / name).write_bytes(_mutated_json(rng, (sources / "run" / name).read_bytes()))
    run = Run(folder)
    summary(run)
    run.saliency()


def records(rng, sources, folder):
    """The runs of a comparison, a line each."""
    from sdkd_tf.reporting.compare import read_records
    from sdkd_tf.reporting.comparison_tables import table

    path = folder / "runs.jsonl"
    lines = (sources / "runs.jsonl").read_bytes().splitlines()
    number = rng.randrange(len(lines))
    lines[number] = _mutated_json(rng, lines[number])
    path.write_bytes(b"\n".join(lines))
    table([*read_records(path).values()])


def golden(rng, sources, folder):
    from sdkd_tf.deploy.golden import read_golden

    shutil.copytree(sources / "golden", folder, dirs_exist_ok=True)
    (folder / "expected.json").write_bytes(_mutated_json(rng, (sources / "golden" / "expected.json").read_bytes()))
    read_golden(folder)


def head(rng, sources, folder):
    """Half of the cases change numbers in the arrays, which base64 hides from the others."""
    from sdkd_tf.deploy.head import read_head

    content = (sources / "head.json").read_bytes()
    if rng.randrange(2):
        stored = json.loads(content)
        name = rng.choice(("means", "scatter"))
        values = np.frombuffer(base64.b64decode(stored[name]), "<f4").copy()
        values[rng.randrange(len(values))] = rng.choice((np.nan, np.inf, -1e30, 1e30, 0.0, -1.0))
        content = json.dumps({**stored, name: base64.b64encode(values.tobytes()).decode()}).encode()
    else:
        content = _mutated_json(rng, content)
    (folder / "head.json").write_bytes(content)
    found = read_head(folder / "head.json")
    assert np.isfinite(found(np.ones(found.size)).probabilities).all()


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


_ALL = (tflite, states, weights, results, config, conversion, saliency, records, golden, head, data, image)
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


def _mutated_json(rng, content):
    """Damages JSON as bytes, or as what it holds, or nests it deeper than a parser goes."""
    kind = rng.randrange(16)
    if kind == 0:
        return content[:1] + b'"x":' + b"[" * 100_000
    return mutate_bytes(rng, content) if kind < 4 else json.dumps(mutate_json(rng, json.loads(content))).encode()
