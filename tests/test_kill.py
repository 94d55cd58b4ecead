"""The commands as processes of their own, killed at random moments: they end like those that were not killed."""

import dataclasses
import itertools
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from sdkd_tf.deploy.report import load_conversions
from sdkd_tf.reporting.compare import read_records
from sdkd_tf.run import Run
from tools.render_benchmark import catalogue

ROOT = pathlib.Path(__file__).parents[1]
OPTIONS = "--input_size=64 --decoder_channels=4 --weights=none --epochs=3 --first_task_epochs=3 --batch_size=4 --min_steps=1 --deterministic"

pytestmark = pytest.mark.long


def start(command):
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(command):
    """Runs a command to its end; returns the seconds that it took."""
    began = time.monotonic()
    process = start(command)
    output = process.communicate()[0]
    assert has_ended(process, output), output
    return time.monotonic() - began


def has_ended(process, output):
    """Whether a command has done its work: now, or before, if it was killed while it exited."""
    return process.returncode == 0 or "holds a finished run" in output


def kill_and_finish(command_for, duration, kills, directory):
    """Kills a command `kills` times at moments within its duration; yields each place where it was brought to its end.

    Args:
      command_for: a function of a directory that it works in.
      duration: of the command in seconds, when nobody kills it.
      kills: how many times.
      directory: a function of a number, gives a new place.
    """
    rng, places = random.Random(0), map(directory, itertools.count())
    place = next(places)
    for _ in range(kills):
        process = start(command_for(place))
        time.sleep(rng.uniform(0, duration))
        process.send_signal(signal.SIGKILL)
        output = process.communicate()[0]
        if has_ended(process, output):  # it was faster
            yield place
            place = next(places)
    finish(command_for(place))
    yield place


def outcome(run_dir):
    """(results without what may differ between two runs, maps, weights)."""
    run = Run(run_dir)
    timeless = {"seconds": 0.0, "cpu_seconds": 0.0, "peak_memory_mb": 0.0}
    tasks = [dataclasses.replace(task, **timeless) for task in run.results.tasks]
    weights = [w.tobytes() for w in run.network().get_weights()]
    results = dataclasses.replace(run.results, tasks=tasks, provenance=None)  # the commit may change while tests run
    return results, run.saliency()[1].tobytes(), weights


@pytest.fixture(scope="module")
def data(write_sequence, tmp_path_factory):
    return write_sequence(tmp_path_factory.mktemp("data"), tasks=3)


def train(data):
    return lambda run_dir: ["train.py", f"--data_dir={data}", f"--run_dir={run_dir}", *OPTIONS.split()]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """(finished run, seconds that it took)."""
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    return run_dir, finish(train(data)(run_dir))


def test_train(data, trained, tmp_path):
    whole, duration = trained
    for run_dir in kill_and_finish(train(data), duration, 20, lambda number: tmp_path / str(number)):
        assert outcome(run_dir) == outcome(whole)
        assert sorted(path.name for path in run_dir.iterdir()) == sorted(path.name for path in whole.iterdir())


def test_convert(trained, tmp_path):
    def place(number):
        return shutil.copytree(trained[0], tmp_path / str(number))

    def command(run_dir):
        return ["convert.py", f"--run_dir={run_dir}", "--batch_size=4", "--epochs=4"]

    def content(run_dir):
        files = {path.name: path.read_bytes() for path in (run_dir / "tflite").iterdir() if path.is_file()}
        del files["conversion.json"]
        report = load_conversions(run_dir / "tflite" / "conversion.json")["qat"]
        return files, dataclasses.replace(report, latency=None)

    whole = place("whole")
    duration = finish(command(whole))
    for run_dir in kill_and_finish(command, duration, 6, place):
        assert content(run_dir) == content(whole)
        assert not (run_dir / "tflite" / ".converting").exists()


def test_compare(data, trained, tmp_path):
    flags = tmp_path / "base.flags"
    flags.write_text("\n".join([f"--data_dir={data}", *OPTIONS.split()]))

    def command(out_dir):
        arms = ["--arm=SDKD: --strategy=sdkd", "--arm=fine-tuning: --strategy=finetune"]
        places = [f"--out_dir={out_dir}", f"--runs_dir={out_dir / 'runs'}", f"--base={flags}"]
        return ["-m", "sdkd_tf.commands", "compare", *places, "--cell=0: --seed=0", *arms]

    for out_dir in kill_and_finish(command, 2 * trained[1], 6, lambda number: tmp_path / str(number)):
        assert sorted(read_records(out_dir / "runs.jsonl")) == [("SDKD", "0"), ("fine-tuning", "0")]
        assert outcome(out_dir / "runs" / "sdkd" / "0") == outcome(trained[0])
        assert Run(out_dir / "runs" / "fine_tuning" / "0").finished and (out_dir / "curves.png").is_file()


@pytest.mark.skipif(
    not all((catalogue.ARCHIVES / f"{name}.sh3f").exists() for name in catalogue.LICENSES),
    reason="the Debian package sweethome3d-furniture is not installed",
)
def test_render(tmp_path):
    def command(out):
        counts = "--objects=1 --train=1 --validation=1 --test=1"
        return ["-m", "tools.render_benchmark", f"--out={out}", *counts.split()]

    def content(out):
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    whole = tmp_path / "whole"
    duration = finish(command(whole))
    for out in kill_and_finish(command, duration, 6, lambda number: tmp_path / str(number)):
        assert content(out) == content(whole)
