"""For tools that expect this file. The configuration is in pyproject.toml."""

from setuptools import setup

setup()
