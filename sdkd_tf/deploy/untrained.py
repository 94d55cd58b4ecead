"""Untrained int8 files to measure latency with: python -m sdkd_tf.deploy.untrained --out_dir=DIR

Writes mobilenet_v2.tflite (keras.applications' MobileNetV2 1.0), and this package's network with either decoder, sdkd_full and
sdkd_lite, all of the same input and classes.
"""

import pathlib

from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors

FLAGS = flags.FLAGS

flags.DEFINE_string("out_dir", None, "Where to write.")
flags.DEFINE_integer("input_size", 224, "Side of the square input in pixels.")
flags.DEFINE_integer("classes", 20, "Number of classes.", lower_bound=2)


def main(argv):
    with one_line_errors():
        if not FLAGS.out_dir:
            raise UserError("--out_dir is missing; expected a directory to write to")
        import numpy as np
        import tf_keras as keras

        from sdkd_tf.deploy.conversion import to_tflite, write_models
        from sdkd_tf.deploy.quantization import calibrate, quantization_aware
        from sdkd_tf.model.network import build_network
        from sdkd_tf.model.partial_decoder import DECODERS

        out, shape = pathlib.Path(FLAGS.out_dir), (FLAGS.input_size, FLAGS.input_size, 3)
        noise = [{"image": np.random.default_rng(0).uniform(-1, 1, (1, *shape)).astype(np.float32)}]
        mobilenet = keras.applications.MobileNetV2(shape, weights=None, classes=FLAGS.classes)
        out.mkdir(parents=True, exist_ok=True)
        (out / "mobilenet_v2.tflite").write_bytes(to_tflite(mobilenet, noise))
        for decoder in DECODERS:
            network = build_network(FLAGS.classes, FLAGS.input_size, decoder=decoder, pooling="mass")
            student, deployed = quantization_aware(network)
            calibrate(student, network, noise)
            student(noise[0]["image"], training=True)  # sets the ranges of the weights
            write_models(out, f"sdkd_{decoder}", deployed, [f"class {i}" for i in range(FLAGS.classes)])


if __name__ == "__main__":
    app.run(main)
