"""Converts a finished run to TFLite: python convert.py --run_dir=runs/quickstart"""

import sys

from sdkd_tf.commands import run

if __name__ == "__main__":
    run("convert", "convert.py", sys.argv[1:])
