"""Every flagfile in configs/ is one that its command takes."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]

# A process of its own, since the flags of two commands in one would clash.
PARSE = """
import pathlib, sys
from absl import flags
from absl.testing import flagsaver
import train
from sdkd_tf import compare
for path in sorted(pathlib.Path("configs").glob("*.flags")):
    with flagsaver.flagsaver():
        flags.FLAGS(["", f"--flagfile={path}"])
        command = "-m sdkd_tf.compare" if flags.FLAGS.arm else "train.py"
        if not path.read_text().startswith(f"# python {command} --flagfile={path}\\n"):
            sys.exit(f"{path}: does not tell its command")
        arms = dict(map(compare.parse_arm, flags.FLAGS.arm))
        runs = compare.plan(pathlib.Path(flags.FLAGS.out_dir), flags.FLAGS.base, arms, ["0"]) if arms else {}
    for (arm, _), (_, arguments) in runs.items():
        with flagsaver.flagsaver():
            try:
                flags.FLAGS(["", *arguments])
            except flags.Error as error:
                sys.exit(f"{path}: arm {arm}: {error}")
    print(path, len(runs))
"""


def test_flagfiles():
    done = subprocess.run([sys.executable, "-c", PARSE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = dict(line.split() for line in done.stdout.splitlines() if line.startswith("configs"))
    assert counts["configs/sdkd.flags"] == "0" and counts["configs/ablation.flags"] == "4"
    assert len(counts) == len(list((ROOT / "configs").glob("*.flags")))
