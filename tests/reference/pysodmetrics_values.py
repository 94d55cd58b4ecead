"""Scores tests/reference/saliency_maps.py with pysodmetrics and writes pysodmetrics_values.json.

pysodmetrics asks for packages that the project does not need, so it runs in an environment of its own:

    python3 -m venv /tmp/pysod && /tmp/pysod/bin/pip install pysodmetrics==1.6.2
    /tmp/pysod/bin/python tests/reference/pysodmetrics_values.py
"""

import json
import pathlib
from importlib.metadata import version

import py_sod_metrics
from saliency_maps import cases


def score(pairs):
    """Means over (map, mask) pairs; curves from threshold 255 down to 0, as pysodmetrics orders them."""
    meters = {name: getattr(py_sod_metrics, name)() for name in ("MAE", "Fmeasure", "Smeasure", "Emeasure")}
    for saliency, mask in pairs:
        for meter in meters.values():
            meter.step(pred=saliency, gt=mask)
    results = {}
    for meter in meters.values():
        results.update(meter.get_results())
    f, e = results["fm"]["curve"], results["em"]["curve"]
    scores = {"mae": results["mae"], "max_f": f.max(), "s_measure": results["sm"], "mean_e": e.mean(), "max_e": e.max()}
    return {name: float(value) for name, value in scores.items()}, f.tolist(), e.tolist()


def main():
    values = {"pysodmetrics": version("pysodmetrics"), "maps": {}}
    for name, pair in cases().items():
        scores, f, e = score([pair])
        values["maps"][name] = {**scores, "f_curve": f[::15], "e_curve": e[::15]}
    values["data_set"] = score(cases().values())[0]
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
