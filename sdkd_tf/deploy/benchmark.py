"""Measures .tflite files side by side: python -m sdkd_tf.deploy.benchmark FILE.tflite... [--runs=50]

The files take turns, one call each, so that what slows the machine down slows all of them. Ratios are to the first file.
"""

from absl import app, flags

from sdkd_tf.deploy.cost import table
from sdkd_tf.errors import UserError, one_line_errors

FLAGS = flags.FLAGS

flags.DEFINE_integer("runs", 50, "Calls a file and number of threads, after 10 to warm up.", lower_bound=2)
flags.DEFINE_list("threads", ["1", "2"], "Numbers of CPU threads.")


def main(argv):
    with one_line_errors():
        if len(argv) < 2:
            raise UserError("no file given; expected one or more .tflite files")
        if not all(number.isdigit() and int(number) for number in FLAGS.threads):
            raise UserError(f"--threads is {','.join(FLAGS.threads)}; expected numbers from 1, as in --threads=1,2")
        print(table(argv[1:], [int(number) for number in FLAGS.threads], FLAGS.runs))


if __name__ == "__main__":
    app.run(main)
