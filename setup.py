"""Package sdkd-tf. `pip install -e .` for use, `.[test]` for the tests."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="sdkd-tf",
    version=re.search(r'__version__ = "(.+)"', (HERE / "sdkd_tf" / "__init__.py").read_text())[1],
    description="Lifelong object recognition with saliency detection and knowledge distillation, down to int8 TFLite",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=["sdkd_tf", "sdkd_tf.*"]),
    include_package_data=True,
    install_requires=[
        "absl-py>=1.2",
        "ai-edge-litert>=2,<3",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pillow>=10.4",
        "platformdirs>=4",
        "quadprog>=0.1.13",
        "tensorboard>=2.19",
        "tensorflow>=2.19,<2.22",
        "tensorflow-model-optimization==0.8.1",
        "tf-keras>=2.19,<2.22",
        "tqdm>=4.66",
    ],
    extras_require={
        "test": [
            "hypothesis>=6.100",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "scikit-image>=0.22",
            "scipy>=1.11",
        ],
    },
)
