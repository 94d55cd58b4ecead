"""Trains several arms in several cells, records the results and compares them."""

import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.errors import UserError
from sdkd_tf.reporting import compare

ARGUMENTS = ""


def define_flags(program: str) -> None:
    """Defines the flags of a comparison."""
    own = {"module_name": program}
    flags.DEFINE_string("out_dir", None, "Directory for runs.jsonl, table.md and the plots.", **own)
    flags.DEFINE_string("runs_dir", None, "Directory for the runs; by default runs/<name of --out_dir>.", **own)
    flags.DEFINE_string("base", None, "Flagfile for `sdkd train`, shared by all arms.", **own)
    arm = "`NAME: FLAGS` of `sdkd train`. The first arm is the reference. --cells=A,B: only in these cells."
    cell = "`NAME: FLAGS` that all arms share: --seed, the order of --tasks, --objects."
    flags.DEFINE_multi_string("arm", [], arm, **own)
    flags.DEFINE_multi_string("cell", [], cell, **own)
    flags.DEFINE_integer("parallel", 1, "Number of runs at a time; they share the CPU threads.", 1, **own)


def main(arguments: Sequence[str]) -> None:
    """Trains the missing runs and prints the tables."""
    values = flags.FLAGS
    if not values.out_dir:
        raise UserError("--out_dir is missing; expected a directory to write to")
    out_dir = pathlib.Path(values.out_dir).expanduser()
    runs_dir = pathlib.Path(values.runs_dir or f"runs/{out_dir.resolve().name}").expanduser()
    arms, cells = compare.parse_named("arm", values.arm), compare.parse_named("cell", values.cell)
    runs = compare.plan(runs_dir, values.base, arms, cells)
    out_dir.mkdir(parents=True, exist_ok=True)
    records = compare.read_records(out_dir / "runs.jsonl")
    failed = compare.train_missing(runs, records, out_dir / "runs.jsonl", values.parallel)
    if any(key in records for key in runs):
        print(f"\n{compare.write_comparison(runs, records, out_dir)}\ntables and plots: {out_dir}")
    if failed:
        raise UserError("some runs failed: " + "; ".join(failed))
