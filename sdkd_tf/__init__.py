"""SDKD: lifelong object recognition with saliency detection and knowledge distillation."""

import os

# TF-MOT supports only Keras 2 models. If this is set before TensorFlow is imported, `tf.keras` is tf_keras everywhere.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# Hides TensorFlow's C++ log of missing GPUs and graph optimizations. Errors are still raised in Python.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Run two operators at a time, each on half of the cores. Student and teacher are independent, and operators on small
# images do not scale to several cores. On two cores, a training step takes 25 % less time than with the defaults.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))

__version__ = "0.2.0"
