"""From a finished run to a .tflite file: quantization, conversion, and measurement of the file."""
