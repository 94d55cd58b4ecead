"""Measures the difficulty of a task's images, and transforms new images to the same difficulty."""
