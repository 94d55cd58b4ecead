"""Trains SDKD over a sequence of tasks: python train.py --flagfile=configs/quickstart.flags"""

import sys

from sdkd_tf.commands import run

if __name__ == "__main__":
    run("train", "train.py", sys.argv[1:])
