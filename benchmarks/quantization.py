"""What quantization costs: python -m sdkd_tf.deploy.trade_off [--epochs=1,2,4] RUN_DIR...

Converts each run after training (PTQ) and with quantization-aware training (QAT) of several lengths, and prints accuracy and saliency
on the test images against the float model. Conversions are kept in RUN_DIR/trade_off and not repeated.
"""

import pathlib

import numpy as np
from absl import app, flags

from sdkd_tf.errors import UserError, one_line_errors

FLAGS = flags.FLAGS

flags.DEFINE_list("epochs", ["1", "2", "4"], "Lengths of quantization-aware training, in passes over the last task.")


def table(columns):
    """The comparison as Markdown.

    Args:
      columns: a dict, name -> the reports of one kind of conversion, one for each run, as conversion.json holds them.
    """

    def mean(report, kind):
        return np.mean([task[kind] for task in report["test"]["accuracy"].values()])

    def first_task(report):
        task = next(iter(report["test"]["accuracy"].values()))
        return 100 * (task["tflite"] - task["float"])

    def mae(report):
        maes = report["test"]["saliency_mae"]
        return np.nan if maes["float"] is None else maes["tflite"] - maes["float"]

    rows = {
        "accuracy": (".3f", lambda r: mean(r, "tflite")),
        "against float, points": ("+.2f", lambda r: 100 * (mean(r, "tflite") - mean(r, "float"))),
        "task 1, points": ("+.2f", first_task),
        "top-1 agreement": (".3f", lambda r: r["test"]["top1_agreement"]),
        "saliency MAE against float": ("+.4f", mae),
        "steps": (".0f", lambda r: r.get("steps", 0)),
        "ranges' distance": (".3f", lambda r: r.get("range_distance", np.nan)),
    }
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    for name, (form, value) in rows.items():
        cells = [_cell([value(report) for report in reports], form) for reports in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values, form):
    """Mean and, of several runs, sample standard deviation."""
    if np.isnan(values).any():
        return "–"
    spread = f" ± {np.std(values, ddof=1):{form.removeprefix('+')}}" if len(values) > 1 else ""
    return f"{np.mean(values):{form}}{spread}"


def main(argv):
    with one_line_errors():
        if len(argv) < 2:
            raise UserError("no run given; expected one or more directories of finished runs of train.py")
        if not all(number.isdigit() and int(number) for number in FLAGS.epochs):
            raise UserError(f"--epochs is {','.join(FLAGS.epochs)}; expected numbers from 1, as in --epochs=1,2,4")
        from sdkd_tf.report import load_conversions

        from sdkd_tf.deploy.conversion import convert

        kinds = {
            "PTQ": ("ptq", 1),
            **{f"QAT, {n} epoch{'s' if n != '1' else ''}": ("qat", int(n)) for n in FLAGS.epochs},
        }
        columns = {name: [] for name in kinds}
        for run_dir in map(pathlib.Path, argv[1:]):
            for name, (quantization, epochs) in kinds.items():
                out_dir = run_dir / "trade_off" / (quantization if quantization == "ptq" else f"qat{epochs}")
                known = out_dir / "conversion.json"
                if not known.is_file():
                    print(f"\n{run_dir}: {name}", flush=True)
                    convert(run_dir, quantization, epochs, out_dir=out_dir)
                columns[name].append(load_conversions(known)[quantization])
        print("\n" + table(columns))


if __name__ == "__main__":
    app.run(main)
