"""The cost of quantization: accuracy and saliency of PTQ, and of QAT of several lengths, relative to the float model.

python -m benchmarks.quantization [--epochs=1,2,4] RUN_DIR...

Converts each run with post-training quantization (PTQ) and quantization-aware training (QAT), and prints the results on
the test images: the mean and, for several runs, the sample standard deviation. Conversions are kept in
RUN_DIR/tflite/quantization and not repeated.
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from absl import app, flags

from sdkd_tf.deploy.report import Conversion, load_conversions
from sdkd_tf.errors import UserError, one_line_errors
from sdkd_tf.reporting.tables import markdown

# Name -> (format, function that returns the value for a conversion, or NaN).
_ROWS: dict[str, tuple[str, Callable[[Conversion], float]]] = {
    "accuracy": (".3f", lambda c: c.test.mean("tflite")),
    "against float, points": ("+.2f", lambda c: 100 * (c.test.mean("tflite") - c.test.mean("float"))),
    "task 1, points": ("+.2f", lambda c: _first_task(c)),
    "top-1 agreement": (".3f", lambda c: c.test.top1_agreement),
    "saliency MAE against float": ("+.4f", lambda c: _mae(c)),
    "steps": (".0f", lambda c: c.steps),
}


def define_flags() -> None:
    """Defines the flags; not on import, since two benchmarks may share a flag's name."""
    flags.DEFINE_list("epochs", ["1", "2", "4"], "Epochs of quantization-aware training on the last task's images.")


def table(columns: Mapping[str, Sequence[Conversion]]) -> str:
    """Compares conversions in a Markdown table.

    Args:
      columns: kind of conversion -> its conversions, one for each run.
    """
    rows = [
        [name, *(_cell([value(conversion) for conversion in conversions], form) for conversions in columns.values())]
        for name, (form, value) in _ROWS.items()
    ]
    return markdown(["", *columns], rows)


def _first_task(conversion: Conversion) -> float:
    task = next(iter(conversion.test.accuracy.values()))
    return 100 * (task["tflite"] - task["float"])


def _mae(conversion: Conversion) -> float:
    found, expected = (conversion.test.saliency_mae.get(kind) for kind in ("tflite", "float"))
    return np.nan if found is None or expected is None else found - expected


def _cell(values: list[float], form: str) -> str:
    if np.isnan(values).any():
        return "–"
    spread = f" ± {np.std(values, ddof=1):{form.removeprefix('+')}}" if len(values) > 1 else ""
    return f"{np.mean(values):{form}}{spread}"


def conversions(run_dir: pathlib.Path, lengths: Sequence[int]) -> dict[str, Conversion]:
    """Converts a run in every way, except those that exist already.

    Args:
      run_dir: a finished run.
      lengths: numbers of epochs of quantization-aware training.

    Returns:
      Kind of conversion -> its Conversion.

    Raises:
      UserError: see `conversion.convert`.
    """
    from sdkd_tf.deploy.conversion import ConversionOptions, convert

    kinds: dict[str, tuple[Literal["qat", "ptq"], int]] = {"PTQ": ("ptq", 1)}
    kinds.update({f"QAT, {n} epoch{'s' if n != 1 else ''}": ("qat", n) for n in lengths})
    found = {}
    for name, (quantization, epochs) in kinds.items():
        out_dir = run_dir / "tflite" / "quantization" / (quantization if quantization == "ptq" else f"qat{epochs}")
        known = out_dir / "conversion.json"
        if not known.is_file():
            print(f"\n{run_dir}: {name}", flush=True)
            convert(ConversionOptions(str(run_dir), out_dir=str(out_dir), quantization=quantization, epochs=epochs))
        found[name] = load_conversions(known)[quantization]
    return found


def main(argv: list[str]) -> None:
    """Prints the table."""
    with one_line_errors():
        lengths = flags.FLAGS.epochs
        if len(argv) < 2:
            raise UserError("no run given; expected one or more directories of finished runs of train.py")
        if not all(number.isdigit() and int(number) for number in lengths):
            raise UserError(f"--epochs is {','.join(lengths)}; expected numbers from 1, as in --epochs=1,2,4")
        runs = [conversions(pathlib.Path(run_dir), [int(number) for number in lengths]) for run_dir in argv[1:]]
        print("\n" + table({name: [run[name] for run in runs] for name in runs[0]}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
