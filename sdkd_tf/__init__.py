"""SDKD: lifelong object recognition with saliency detection and knowledge distillation."""

import os

# TF-MOT accepts Keras 2 models only. With this set before TensorFlow is imported, `tf.keras` is tf_keras everywhere.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# TensorFlow's C++ log tells of missing GPUs and of optimizers' second thoughts; what fails also raises in Python.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
