"""Trains several arms over several seeds and sets them side by side, as the SDKD paper's plot does.

python -m sdkd_tf.compare --flagfile=configs/ablation.flags

Every run is a `train.py` of its own. Finished runs are not repeated: the same command goes on where it was stopped.
"""

import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading

from absl import app, flags
from tqdm import tqdm

from sdkd_tf import comparison
from sdkd_tf.atomic import atomic_file
from sdkd_tf.die_with_parent import die_with_parent
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.json_file import read_json

FLAGS = flags.FLAGS

flags.DEFINE_string("out_dir", None, "Where to write runs, table.md, table.csv, curves.png, final.png and cost.png.")
flags.DEFINE_string("base", None, "Flagfile of train.py that all arms share.")
flags.DEFINE_multi_string("arm", [], "`NAME: FLAGS`, the flags of train.py that make the arm; once for each arm.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds; every arm is trained once with each.")
flags.DEFINE_integer("parallel", 1, "Runs at a time; each gets its share of the CPU's threads.", lower_bound=1)

_TRAIN = pathlib.Path(__file__).parents[1] / "train.py"


def parse_arm(text):
    """Splits `NAME: FLAGS` into (name, list of flags), these as a shell does. Raises UserError for anything else."""
    name, colon, arguments = text.partition(":")
    try:
        if colon and name.strip():
            return name.strip(), shlex.split(arguments)
    except ValueError:  # a quotation mark without its other half
        pass
    raise UserError(f"--arm={text}: expected NAME: FLAGS, for instance 'SDKD: --strategy=sdkd'")


def parse_arms(texts):
    """All arms as a dict, name -> list of flags. Raises UserError for two whose runs would be in one directory."""
    arms, folders = {}, {}
    for name, arguments in map(parse_arm, texts):
        other = folders.setdefault(_folder(name), name)
        if name in arms or other != name:
            raise UserError(
                f"--arm: {other!r} and {name!r} are too alike; expected names that differ in letters or digits"
            )
        arms[name] = arguments
    return arms


def _folder(name):
    return re.sub(r"[\W_]+", "_", name.lower())


def plan(out_dir, base, arms, seeds):
    """The runs of a comparison.

    Args:
      out_dir: root of all runs.
      base: flagfile that all arms share, or None.
      arms: a dict, name -> flags.
      seeds: integers as strings.

    Returns:
      A dict, (arm, seed) -> (run directory, arguments of train.py with every flagfile expanded); all arms of the first seed
      come first.

    Raises:
      UserError: no arm, a seed that is no integer, or a directory that holds a run with other flags. What only another
        strategy reads may differ.
    """
    if not arms:
        raise UserError("--arm is missing; expected at least one, for instance --arm='SDKD: --strategy=sdkd'")
    runs = {}
    for seed, (name, arguments) in itertools.product(seeds, arms.items()):
        if not seed.isdigit():
            raise UserError(f"--seeds holds {seed!r}; expected integers like 0,1,2")
        run_dir = out_dir / _folder(name) / f"seed{seed}"
        command = [*([f"--flagfile={base}"] if base else []), *arguments, f"--seed={seed}", f"--run_dir={run_dir}"]
        try:
            expanded = flags.FlagValues().read_flags_from_files(command)
        except flags.Error as error:
            raise UserError(f"arm {name!r}: {error}") from error
        if (run_dir / "results.json").is_file():  # of an unfinished one, train.py knows whether the flags are the same
            known = run_dir / "arguments.json"
            if not known.is_file() or _effective(read_json(known, [str], "compare")) != _effective(expanded):
                raise UserError(f"{run_dir}: holds a run with other flags; remove it or choose another --out_dir")
        runs[name, seed] = run_dir, expanded
    return runs


def _effective(arguments):
    """Of the arguments of train.py, those that can change its results: not the settings of strategies that it does not run."""
    from sdkd_tf.strategies import STRATEGIES  # imports TensorFlow: only where there are runs to compare with

    def name(argument):
        return argument.lstrip("-").partition("=")[0]

    strategy = next((a.partition("=")[2] for a in reversed(arguments) if name(a) == "strategy"), "sdkd")
    foreign = {option for other in STRATEGIES.values() for option in other.options}
    foreign -= set(STRATEGIES[strategy].options if strategy in STRATEGIES else foreign)
    return [argument for argument in arguments if name(argument) not in foreign]


def train_all(runs, parallel):
    """Trains what is not finished, `parallel` runs at a time, with one progress bar over the tasks of all runs.

    Returns:
      A list of what failed, a line each, which names the run's log. The other runs are finished nevertheless.
    """
    waiting = {key: value for key, value in runs.items() if not (value[0] / "results.json").is_file()}
    cores = max(1, (os.cpu_count() or 1) // parallel)  # of each run, shared out as in sdkd_tf/__init__.py
    threads = {"TF_NUM_INTEROP_THREADS": str(min(2, cores)), "TF_NUM_INTRAOP_THREADS": str(max(1, cores // 2))}
    environment = {**os.environ, **threads}
    running, done, failed = set(), threading.Event(), []

    def train(key, run_dir, arguments):
        running.add(key)
        run_dir.mkdir(parents=True, exist_ok=True)
        with atomic_file(run_dir / "arguments.json", "w") as file:
            json.dump(arguments, file, indent=1)
        log = run_dir / "log.txt"
        with log.open("a") as output:
            command = [sys.executable, str(_TRAIN), *arguments]
            streams = {"stdout": output, "stderr": subprocess.STDOUT}
            code = subprocess.run(command, env=environment, preexec_fn=die_with_parent, **streams).returncode
        running.discard(key)
        if code:
            failed.append(f"{log}: {log.read_text().strip().splitlines()[-1] if log.stat().st_size else 'no output'}")

    def watch():
        with tqdm(desc=f"{len(runs)} runs", unit="task") as bar:
            while True:
                begun = sum(len(list(run_dir.glob("logs/*"))) for run_dir, _ in runs.values())
                bar.set_postfix_str(", ".join(f"{name} {seed}" for name, seed in sorted(running)))
                bar.update(begun - bar.n)
                if done.wait(5):
                    return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        for future in [pool.submit(train, key, *value) for key, value in waiting.items()]:
            future.result()
    done.set()
    watcher.join()
    return failed


def main(argv):
    with one_line_errors():
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
        if not FLAGS.out_dir:
            raise UserError("--out_dir is missing; expected a directory to write to")
        out_dir = pathlib.Path(FLAGS.out_dir)
        runs = plan(out_dir, FLAGS.base, parse_arms(FLAGS.arm), FLAGS.seeds)
        failed = train_all(runs, FLAGS.parallel)
        finished = {key: run_dir for key, (run_dir, _) in runs.items() if (run_dir / "results.json").is_file()}
        if finished:
            comparison.write_outputs(finished, out_dir)
            print(f"\n{comparison.table(finished)}\npictures and tables: {out_dir}")
        if failed:
            raise UserError("a run failed, see " + "; ".join(failed))


if __name__ == "__main__":
    app.run(main)
