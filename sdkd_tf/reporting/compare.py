"""Trains several arms in several cells, records the results and compares them, as in the figure of the SDKD paper.

A cell is what all arms share: a seed, an order of the tasks, a subset of the objects. Arms are compared within cells.
A comparison is a folder with `runs.jsonl`, one Record per line, from which its tables and plots are made. Every run is
trained in a separate process. Recorded runs are not repeated, so an interrupted comparison can be resumed.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from absl import flags
from tqdm import tqdm

from sdkd_tf.callbacks import repeated
from sdkd_tf.config import Config, config_from_builtins, config_from_flags, define_flags
from sdkd_tf.deploy.child import die_with_parent
from sdkd_tf.deploy.report import load_conversions
from sdkd_tf.errors import UserError, one_line
from sdkd_tf.evaluation.results import Results
from sdkd_tf.files import atomic_file
from sdkd_tf.options import read_flagfiles
from sdkd_tf.reporting.comparison_plots import plot_comparison
from sdkd_tf.reporting.comparison_tables import Int8Accuracy, Record, table
from sdkd_tf.run import Run

_TRAIN = [sys.executable, "-P", "-m", "sdkd_tf.commands", "train"]  # -P: no module of the current folder is imported

Key = tuple[str, str]  # arm and cell
Plan = dict[Key, Config]


def parse_named(flag: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """Parses values of --arm or --cell, `NAME: FLAGS`, where FLAGS are split as by a shell.

    Args:
      flag: `arm` or `cell`, for messages.
      texts: the values.

    Returns:
      Name -> list of flags.

    Raises:
      UserError: there are none, one has another form, or two names would share a directory.
    """
    if not texts:
        raise UserError(f"--{flag} is missing; expected at least one, for instance --{flag}='a: --seed=0'")
    named: dict[str, list[str]] = {}
    folders: dict[str, str] = {}
    for text in texts:
        name, colon, arguments = (part.strip() for part in text.partition(":"))
        try:
            given = shlex.split(arguments)
        except ValueError:  # an unclosed quotation mark
            name = ""
        if not (colon and name):
            raise UserError(f"--{flag}={text}: expected NAME: FLAGS, for instance 'a: --seed=0'")
        other = folders.setdefault(_folder(name), name)
        if name in named or other != name:
            raise UserError(f"--{flag}: {other!r} and {name!r} are too alike; expected other letters or digits")
        named[name] = given
    return named


def _folder(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.lower())


def plan(runs_dir: pathlib.Path, base: str | None, arms: dict[str, list[str]], cells: dict[str, list[str]]) -> Plan:
    """Plans the runs of a comparison.

    Args:
      runs_dir: parent directory of the runs.
      base: flagfile shared by all arms, or None.
      arms: name -> flags of `sdkd train`, and `--cells=A,B` if the arm is only trained in some cells.
      cells: name -> flags of `sdkd train`, which override those of the arms.

    Returns:
      (arm, cell) -> options of the run; all arms in the first cell come first.

    Raises:
      UserError: `sdkd train` does not accept a flag, or an arm names a cell that does not exist.
    """
    runs: Plan = {}
    shared = [f"--flagfile={base}"] if base else []
    for (cell, varied), (arm, arguments) in itertools.product(cells.items(), arms.items()):
        values = flags.FlagValues()
        define_flags(values)
        flags.DEFINE_list("cells", [*cells], "Cells in which the arm is trained.", values)
        run_dir = runs_dir / _folder(arm) / _folder(cell)
        try:
            rest = values(["", *read_flagfiles([*shared, *arguments, *varied]), f"--run_dir={run_dir}"])[1:]
        except flags.Error as error:
            raise UserError(f"arm {arm!r}, cell {cell!r}: {error}") from error
        if rest:
            raise UserError(f"arm {arm!r}, cell {cell!r}: unexpected {rest[0]!r}; expected flags only")
        chosen = values["cells"].value
        if unknown := set(chosen) - set(cells):
            raise UserError(f"arm {arm!r}: --cells names {min(unknown)!r}; expected some of {', '.join(cells)}")
        if cell in chosen:
            runs[arm, cell] = config_from_flags(values)
    return runs


def read_records(path: pathlib.Path) -> dict[Key, Record]:
    """Reads a runs.jsonl; a missing file counts as empty. Raises UserError for a line that is not a Record."""
    records = {}
    for number, line in enumerate(path.read_bytes().splitlines() if path.is_file() else (), 1):
        try:
            stored = msgspec.json.decode(line, type=dict[str, Any])
            config, results = config_from_builtins(stored["config"]), msgspec.convert(stored["results"], Results)
            int8 = msgspec.convert(stored["int8"], Int8Accuracy | None)
            record = Record(str(stored["arm"]), str(stored["cell"]), config, results, int8)
            if problem := results.problem():
                raise ValueError(problem)
        except (ValueError, KeyError, TypeError, RecursionError, msgspec.MsgspecError) as error:
            reason = ascii(one_line(error))[1:-1]
            raise UserError(f"{path}:{number}: cannot be read ({reason}); expected a run of this version") from error
        records[record.arm, record.cell] = record
    return records


def write_records(path: pathlib.Path, records: dict[Key, Record]) -> None:
    """Writes a runs.jsonl atomically."""
    with atomic_file(path) as file:
        file.write(b"".join(msgspec.json.encode(record) + b"\n" for record in records.values()))


def train_missing(runs: Plan, records: dict[Key, Record], path: pathlib.Path, parallel: int) -> list[str]:
    """Trains the runs that are not recorded yet, `parallel` at a time, and records each one when it finishes.

    Args:
      runs: result of `plan`.
      records: the recorded runs; new ones are added.
      path: path of the runs.jsonl.
      parallel: number of runs at a time.

    Returns:
      For each failed run, one line with the path of its log and the last line in it. The other runs are still trained.

    Raises:
      UserError: a recorded or finished run has different options.
    """
    for key, config in runs.items():
        run = Run(config.run.run_dir)
        known = records[key].config if key in records else run.config if run.finished else None
        if known and (lines := known.differences(config.completed(getattr(known.network, "detach_map", False)))):
            raise UserError(
                f"{path}: the run of arm {key[0]!r}, cell {key[1]!r}, has different options ({'; '.join(lines)});"
                f" remove its line and {run.directory}, or choose another --out_dir"
            )
    lock, failed = threading.Lock(), []

    def train(key: Key, config: Config) -> None:
        run = Run(config.run.run_dir)
        if (not run.finished or run.states.exist()) and (line := _train(run, config, parallel)):
            failed.append(line)
            return
        for task in run.results.tasks:
            task.losses = {}  # too long for a record
        with lock:
            # The run holds an absolute path to its data; the record names them as the comparison does.
            records[key] = Record(*key, dataclasses.replace(run.config, data=config.data), run.results)
            write_records(path, records)

    missing = {key: config for key, config in runs.items() if key not in records}
    with _progress(runs, missing), concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        try:
            for future in [pool.submit(train, key, config) for key, config in missing.items()]:
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # on Ctrl-C, no further run starts
    return failed


def _train(run: Run, config: Config, parallel: int) -> str | None:
    """Trains one run in a separate process. Returns None, or a line that describes the failure."""
    run.directory.mkdir(parents=True, exist_ok=True)
    arguments, log = run.directory / "compare.flags", run.directory / "log.txt"
    with atomic_file(arguments, "w") as file:
        file.write(config.flagfile())
    cores = max(1, (os.cpu_count() or 1) // parallel)  # per run, divided as in sdkd_tf/__init__.py
    threads = {"TF_NUM_INTEROP_THREADS": str(min(2, cores)), "TF_NUM_INTRAOP_THREADS": str(max(1, cores // 2))}
    command = [*_TRAIN, f"--flagfile={arguments}", f"--run_dir={run.directory}", "--noreport"]
    with log.open("ab") as output:
        streams: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        code = subprocess.run(command, env={**os.environ, **threads}, preexec_fn=die_with_parent, **streams).returncode
    if not code:
        return None
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return f"{log}: {text.splitlines()[-1] if text else 'no output'}"


@contextlib.contextmanager
def _progress(runs: Plan, missing: Plan) -> Iterator[None]:
    """Shows a progress bar over the tasks of all runs while the block runs."""
    with tqdm(desc=f"{len(missing)} of {len(runs)} runs to train", unit="task") as bar:

        def count() -> None:
            learned = sum(len(list(pathlib.Path(c.run.run_dir).glob("checkpoints/*"))) for c in missing.values())
            bar.update(learned - bar.n)

        with repeated(count, every=5):
            yield


def write_comparison(runs: Plan, records: dict[Key, Record], out_dir: pathlib.Path) -> str:
    """Writes table.md and the plots for the planned runs that are recorded, and returns the table.

    Also updates runs.jsonl: the runs in the order of the plan, with the accuracy of those that have been converted.

    Raises:
      UserError: two runs that should have learned from the same data, or continued the same run, have not.
    """
    chosen = {key: _with_int8(records[key], config) for key, config in runs.items() if key in records}
    first: dict[Any, Key] = {}
    for key in chosen:
        other = first.setdefault((runs[key].data, runs[key].run.continue_from), key)
        one, two = chosen[other].results, chosen[key].results
        if (one.fingerprint, one.continued_from) != (two.fingerprint, two.continued_from):
            raise UserError(
                f"{out_dir / 'runs.jsonl'}: arms {other[0]!r} and {key[0]!r} have learned from different data, or continue"
                " different runs; expected the same; choose another --out_dir for the new ones"
            )
    write_records(out_dir / "runs.jsonl", chosen | {key: records[key] for key in records if key not in chosen})
    text = table([*chosen.values()])
    with atomic_file(out_dir / "table.md", "w") as file:
        file.write(text)
    plot_comparison([*chosen.values()], out_dir)
    return text


def _with_int8(record: Record, config: Config) -> Record:
    run = Run(config.run.run_dir)
    known = run.directory / "tflite" / "conversion.json"
    conversion = load_conversions(known).get("qat") if run.finished and known.is_file() else None
    if not conversion or run.results.tasks[-1].test != record.results.tasks[-1].test:  # that of another run
        return record
    accuracy = Int8Accuracy(conversion.validation.mean("tflite"), conversion.test.mean("tflite"))
    return dataclasses.replace(record, int8=accuracy)
