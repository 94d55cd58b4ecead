"""Benchmark scripts, to be run from a checkout: python -m benchmarks.latency FILE.tflite..."""
