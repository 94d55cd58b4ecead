"""Scripts that measure; run from a checkout: python -m benchmarks.latency FILE.tflite..."""
