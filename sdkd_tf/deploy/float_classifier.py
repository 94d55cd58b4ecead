"""Labels images with the float network of a run, in the same way as `tflite.Classifier` does with a converted file."""

import numpy as np
import tf_keras as keras

from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.files import PathLike
from sdkd_tf.model.network import as_outputs
from sdkd_tf.run import Run


class FloatClassifier:
    """The network of a finished run after its last task, with the names of its classes."""

    def __init__(self, directory: PathLike):
        """Args: directory: that of the run. Raises UserError if it is not finished or cannot be read."""
        run = Run(directory)
        self.labels = run.results.classes
        self.input_size = run.config.network.input_size
        network = run.network()
        self._network = keras.Model(network.input, [*network.outputs, network.outputs[0].node.layer.input])

    def __call__(self, image: np.ndarray) -> Prediction:
        """Classifies one image.

        Args:
          image: uint8 `[input_size, input_size, 3]`, RGB.

        Returns:
          A Prediction: probabilities float32 `[classes]`; the saliency map float32 `[h, w]` in [0, 1], or None if the
          network has none; the embedding float32 `[size]`.
        """
        *found, embedding = self._network.predict_on_batch(to_network_range(image[None]))
        outputs = as_outputs(found)
        weights = np.exp(outputs.logits[0] - outputs.logits[0].max())
        saliency = None if outputs.saliency is None else outputs.saliency[0, :, :, 0]
        return Prediction(weights / weights.sum(), saliency, embedding[0])
