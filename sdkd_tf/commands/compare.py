"""Trains several arms over several seeds, records their results and sets them side by side."""

import pathlib
from collections.abc import Sequence

from absl import flags

from sdkd_tf.errors import UserError
from sdkd_tf.reporting import compare

ARGUMENTS = ""


def define_flags(program: str) -> None:
    """Defines the flags of a comparison."""
    own = {"module_name": program}
    flags.DEFINE_string("out_dir", None, "Where runs.jsonl, table.md and the plots are written.", **own)
    flags.DEFINE_string("runs_dir", None, "Where the runs are written; runs/<name of --out_dir> by default.", **own)
    flags.DEFINE_string("base", None, "Flagfile of `sdkd train` that all arms share.", **own)
    flags.DEFINE_multi_string(
        "arm", [], "`NAME: FLAGS`, the flags of `sdkd train` that make the arm; repeatable.", **own
    )
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Every arm is trained once with each of these seeds.", **own)
    flags.DEFINE_integer("parallel", 1, "Runs at a time; each gets its share of the CPU's threads.", 1, **own)


def main(arguments: Sequence[str]) -> None:
    """Trains what is missing, and prints the table."""
    values = flags.FLAGS
    if not values.out_dir:
        raise UserError("--out_dir is missing; expected a directory to write to")
    out_dir = pathlib.Path(values.out_dir).expanduser()
    runs_dir = pathlib.Path(values.runs_dir or f"runs/{out_dir.resolve().name}").expanduser()
    runs = compare.plan(runs_dir, values.base, compare.parse_arms(values.arm), values.seeds)
    out_dir.mkdir(parents=True, exist_ok=True)
    records = compare.read_records(out_dir / "runs.jsonl")
    failed = compare.train_missing(runs, records, out_dir / "runs.jsonl", values.parallel)
    if any(key in records for key in runs):
        print(f"\n{compare.write_comparison(runs, records, out_dir)}\ntables and plots: {out_dir}")
    if failed:
        raise UserError("a run failed, see " + "; ".join(failed))
