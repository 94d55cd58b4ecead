"""Converts a finished run to TFLite: python convert.py --run_dir=runs/quickstart"""

from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", None, "A finished run of train.py; the files go to its folder tflite.")
flags.DEFINE_string("quantization", "qat", "qat (quantization-aware training), ptq (after training), or float.")
flags.DEFINE_integer("epochs", 2, "Passes of quantization-aware training over the last task's images.", lower_bound=1)
flags.DEFINE_integer("batch_size", 16, "Images a step.", lower_bound=1)
flags.DEFINE_float("learning_rate", 1e-5, "Adam's learning rate at the start; falls along a cosine.", lower_bound=0)
flags.DEFINE_float("lambda2", 1.0, "Weight of the soft targets, whatever it was in the run.", lower_bound=0)
flags.DEFINE_integer("seed", 0, "Of shuffling and augmentation.", 0, 2**32 - 1)


def main(argv):
    with one_line_errors():
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
        if not FLAGS.run_dir:
            raise UserError("--run_dir is missing; expected the directory of a finished run of train.py")
        from sdkd_tf import report  # imports TensorFlow: after --help and flag errors
        from sdkd_tf.deploy.conversion import convert

        convert(
            FLAGS.run_dir,
            FLAGS.quantization,
            FLAGS.epochs,
            FLAGS.batch_size,
            FLAGS.learning_rate,
            FLAGS.lambda2,
            FLAGS.seed,
        )
        print("\n" + report.summary(FLAGS.run_dir))


if __name__ == "__main__":
    app.run(main)
