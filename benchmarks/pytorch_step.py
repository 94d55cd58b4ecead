"""Time of a training step of MobileNetV2 in PyTorch relative to Keras. They take turns in one process, on two threads.

pip install torch
python -m benchmarks.pytorch_step

PyTorch is no dependency of this package.
"""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras as keras
import torch
from absl import app, flags
from torch import nn
from tqdm import tqdm

from sdkd_tf.errors import one_line_errors
from sdkd_tf.reporting.tables import markdown

_CLASSES = 20
_THREADS = 2
# Expansion, channels, repeats and stride of each stage (Sandler et al., CVPR 2018, table 2).
_STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def define_flags() -> None:
    """Defines the flags; not on import, since two benchmarks may share a flag's name."""
    flags.DEFINE_integer("input_size", 96, "Side of the network's input in pixels.")
    flags.DEFINE_integer("batch_size", 16, "Images per batch.", lower_bound=1)
    flags.DEFINE_integer("rounds", 30, "Timed steps in each framework.", lower_bound=1)


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class _Residual(nn.Module):
    """An inverted residual: expansion, depthwise convolution, projection."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        super().__init__()
        hidden = inputs * expansion
        expand = [*_convolution(inputs, hidden, 1), nn.ReLU6()] if expansion > 1 else []
        depthwise = [*_convolution(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
        self.layers = nn.Sequential(*expand, *depthwise, *_convolution(hidden, outputs, 1))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.adds else self.layers(x)


def mobilenet_v2() -> nn.Module:
    """MobileNetV2 with the layers of keras.applications, from images `[batch, 3, s, s]` to logits `[batch, 20]`."""
    layers: list[nn.Module] = [*_convolution(3, 32, 3, 2), nn.ReLU6()]
    channels = 32
    for expansion, outputs, repeats, stride in _STAGES:
        for place in range(repeats):
            layers.append(_Residual(channels, outputs, expansion, stride if place == 0 else 1))
            channels = outputs
    layers += [*_convolution(channels, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, _CLASSES))


def steps(input_size: int, batch_size: int) -> dict[str, Callable[[], object]]:
    """A function for each framework that trains one step with Adam on the same random images."""
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (batch_size, input_size, input_size, 3)).astype(np.float32)
    labels = rng.integers(0, _CLASSES, batch_size)

    in_keras = keras.applications.MobileNetV2((input_size, input_size, 3), weights=None, classes=_CLASSES)
    in_keras.compile("adam", "sparse_categorical_crossentropy")
    step = tf.function(in_keras.train_step)
    batch = tf.constant(images), tf.constant(labels)

    torch.set_num_threads(_THREADS)
    in_torch = mobilenet_v2().to(memory_format=torch.channels_last).train()
    trained = sum(variable.shape.num_elements() for variable in in_keras.trainable_variables)
    assert trained == sum(weight.numel() for weight in in_torch.parameters()), "the networks differ"
    optimizer = torch.optim.Adam(in_torch.parameters(), 1e-3)
    # The channels become the second axis, and stay the last one in memory.
    x, y = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels)

    def step_in_torch() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(in_torch(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"Keras": lambda: step(batch)["loss"].numpy(), "PyTorch": step_in_torch}


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    with one_line_errors():
        values = flags.FLAGS
        seconds: dict[str, list[float]] = {"Keras": [], "PyTorch": []}
        compared = steps(values.input_size, values.batch_size)
        for step in compared.values():
            step(), step()  # builds the graphs, chooses the kernels
        for _ in tqdm(range(values.rounds), unit="round"):
            for name, step in compared.items():
                start = time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - start)
        ratio = np.median(np.divide(seconds["PyTorch"], seconds["Keras"]))
        rows = [
            ["Keras", f"{1000 * np.median(seconds['Keras']):.0f} ms", "1.00"],
            ["PyTorch", f"{1000 * np.median(seconds['PyTorch']):.0f} ms", f"{ratio:.2f}"],
        ]
        print("\n" + markdown(["MobileNetV2 in", "step", "relative to Keras"], rows))


if __name__ == "__main__":
    define_flags()
    app.run(main)
