"""From a finished run to a .tflite file: quantization, conversion, and what the file computes."""
