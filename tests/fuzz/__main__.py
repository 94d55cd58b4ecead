"""python -m tests.fuzz SOURCES FORMAT FIRST COUNT: runs the cases from seed FIRST on; prints a seed before its case begins."""

import collections
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import traceback

from sdkd_tf.deploy.child import limit_memory
from sdkd_tf.errors import UserError
from tests.fuzz.formats import FORMATS
from tests.fuzz.mutations import generator

_SECONDS, _MEMORY = 60, 3 << 30  # for one case, which takes less than one; beyond what the process has, for all
_IMPORTS = 300  # more seconds for the first case, which imports TensorFlow


def main(sources, name, first, count):
    limit_memory(_MEMORY)
    os.environ["TQDM_DISABLE"] = "1"
    outcomes = collections.Counter(accepted=0, refused=0)
    for seed in range(int(first), int(first) + int(count)):
        print(f"seed {seed}", flush=True)
        signal.alarm(_SECONDS + (_IMPORTS if seed == int(first) else 0))  # ends the process
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sdkd-fuzz-", dir=sources))
        try:
            FORMATS[name](generator(name, seed), pathlib.Path(sources), folder)
            outcomes["accepted"] += 1
        except UserError as error:
            outcomes["refused"] += 1
            outcomes["crashed a child"] += "(crashes: SIG" in str(error)
            if "\n" in str(error) and name != "data":
                raise AssertionError(f"the message has several lines: {error}") from error
        except BaseException:
            traceback.print_exc()
            outcomes["failed"] += 1
            print(f"failed {seed}", flush=True)
        shutil.rmtree(folder)
    print(json.dumps(outcomes), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
