"""train.py as a process of its own, killed at twenty random moments: the run ends like one that was not killed."""

import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tf_keras as keras

TRAIN = pathlib.Path(__file__).parents[1] / "train.py"
KILLS = 20


def start(data, run_dir):
    flags = "--input_size=64 --decoder_channels=4 --weights=none --epochs=3 --batch_size=4 --saliency_weight=1 --deterministic"
    command = [sys.executable, str(TRAIN), f"--data_dir={data}", f"--run_dir={run_dir}", *flags.split()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(data, run_dir):
    process = start(data, run_dir)
    output = process.communicate()[0]
    assert process.returncode == 0, output


def outcome(run_dir):
    results = json.loads((run_dir / "results.json").read_text())
    weights = keras.models.load_model(run_dir / "model.keras", compile=False).get_weights()
    with np.load(run_dir / "saliency.npz") as saved:
        maps = saved["maps"].tobytes()
    timeless = {k: v for k, v in results.items() if k not in ("seconds_per_task", "peak_memory_mb")}
    return timeless, maps, [w.tobytes() for w in weights]


@pytest.mark.long
def test_killed_at_random_moments(write_sequence, tmp_path):
    data = write_sequence(tmp_path / "data", tasks=3)
    began = time.monotonic()
    finish(data, tmp_path / "whole")
    duration = time.monotonic() - began
    rng, runs = random.Random(0), [tmp_path / "killed0"]
    for _ in range(KILLS):
        if (runs[-1] / "results.json").exists():
            runs.append(tmp_path / f"killed{len(runs)}")
        process = start(data, runs[-1])
        time.sleep(rng.uniform(0, duration))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    expected = outcome(tmp_path / "whole")
    for run_dir in runs:
        if not (run_dir / "results.json").exists():
            finish(data, run_dir)
        assert outcome(run_dir) == expected
        assert sorted(p.name for p in run_dir.iterdir() if p.name not in ("plots", "progress")) == [
            "checkpoints",
            "flags.flags",
            "logs",
            "model.keras",
            "results.json",
            "saliency.npz",
        ]
