"""SDKD: lifelong object recognition with saliency detection and knowledge distillation."""

import os

# TF-MOT accepts Keras 2 models only. With this set before TensorFlow is imported, `tf.keras` is tf_keras everywhere.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# TensorFlow's C++ log tells of missing GPUs and of optimizers' second thoughts; what fails also raises in Python.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Two operators at a time, each on half of the cores: student and teacher run side by side, and small images make operators that
# two cores hardly share. On two cores a training step takes three quarters of the time that TensorFlow's default takes.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))

__version__ = "0.2.0"
