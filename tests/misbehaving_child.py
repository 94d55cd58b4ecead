"""A module for child processes that does with itself what its standard input says behind the first 8 bytes."""

import os
import pathlib
import sys
import time

from sdkd_tf.deploy.child import limit_memory


def main(wish: str) -> None:
    word, *arguments = wish.split()
    if word == "abort":
        os.abort()
    elif word == "hang":
        for path in arguments:  # tells the test which process this is
            pathlib.Path(path).write_text(str(os.getpid()))
        time.sleep(600)
    elif word == "take":  # so many MB of 100
        limit_memory(100 << 20)
        bytearray(int(arguments[0]) << 20)
    elif word == "complain":
        sys.stdout.buffer.write("first\n\n the  reason\x1b[2J α ".encode() + b"\xff" + 1000 * b"x" + b"\n\n")
        sys.exit(3)
    elif word == "fail":
        sys.exit(3)


if __name__ == "__main__":
    main(sys.stdin.buffer.read()[8:].decode())
