"""Labels images with the float network of a run, in the same way as `tflite.Classifier` does with a converted file."""

import numpy as np
import tf_keras as keras
from scipy.special import softmax

from sdkd_tf.data.pipeline import to_network_range
from sdkd_tf.deploy.head import Head
from sdkd_tf.deploy.tflite import Prediction
from sdkd_tf.files import PathLike
from sdkd_tf.model.network import as_outputs
from sdkd_tf.run import Run


class FloatClassifier:
    """The network of a finished run after its last task, with the names of its classes and its Head, if any."""

    def __init__(self, directory: PathLike):
        """Args: directory: that of the run. Raises UserError if it is not finished or cannot be read."""
        run = Run(directory)
        self.labels = run.results.classes
        statistics = run.statistics()
        self.head = Head(self.labels, statistics) if statistics else None
        self.input_size = run.config.network.input_size
        network = run.network()
        self._network = keras.Model(network.input, [*network.outputs, network.outputs[0].node.layer.input])

    def __call__(self, images: np.ndarray) -> list[Prediction]:
        """Classifies images, uint8 `[n, input_size, input_size, 3]`, RGB; see `tflite.Classifier` for what is returned."""
        *found, embeddings = self._network.predict_on_batch(to_network_range(images))
        outputs = as_outputs(found)
        maps = [None] * len(images) if outputs.saliency is None else outputs.saliency[..., 0]
        return [Prediction(*values) for values in zip(softmax(outputs.logits, axis=1), maps, embeddings)]
