"""At least 2,000 damaged files of every format that is read: each is read or refused in one line, nothing else.

The cases run in processes of their own, which a crash, a hang or endless memory ends. A case is repeated by
`python -m tests.fuzz SOURCES FORMAT SEED 1`, where SOURCES is a folder that `tests.fuzz.sources.write_sources` filled.
"""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from tests.fuzz.sources import write_sources

CASES = {
    "tflite": 700,
    "image": 500,
    "results": 200,
    "config": 100,
    "conversion": 150,
    "saliency": 50,
    "records": 150,
    "golden": 150,
    "head": 200,
    "states": 150,
    "weights": 150,
    "data": 70,
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    write_sources(folder)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_read_or_refused(sources, name):
    command = [sys.executable, "-m", "tests.fuzz", str(sources), name, "0", str(CASES[name])]
    root = pathlib.Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)
    last = re.findall(r"^seed (\d+)$", done.stdout, re.M)[-1:]
    assert done.returncode == 0, f"{name}, seed {last}: ended with {done.returncode}\n{done.stderr[-2000:]}"
    failed = re.findall(r"^failed (\d+)$", done.stdout, re.M)
    assert not failed, f"{name}, seeds {', '.join(failed)}:\n{done.stderr[-4000:]}"
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert outcomes["accepted"] and (outcomes["refused"] or name == "image"), (
        outcomes
    )  # a bad image is one line of many


def test_there_are_enough_of_them():
    assert sum(CASES.values()) >= 2000
