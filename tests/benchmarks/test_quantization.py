"""The table of what quantization costs, on made-up conversions."""

import pathlib

import pytest

from benchmarks.quantization import conversions, table
from sdkd_tf.deploy.conversion import ConversionOptions
from sdkd_tf.deploy.report import Conversion, Latency, SplitReport
from sdkd_tf.files import write_json


def conversion(tflite, mae, **training):
    accuracy = {"task1": {"float": 0.9, "tflite": tflite}, "task2": {"float": 0.7, "tflite": 0.7}}
    split = SplitReport(accuracy, 0.95, 0.01, {"float": 0.1, "tflite": mae})
    return Conversion("x.tflite", 1, [], Latency(1.0, 1, "x86_64"), split, split, **training)


def test_means_and_deviations_by_hand():
    qat = [conversion(0.88, 0.11, steps=50), conversion(0.92, 0.13, steps=50)]
    lines = table({"PTQ": [conversion(0.8, 0.1)], "QAT": qat}).splitlines()
    assert lines == [
        "|  | PTQ | QAT |",
        "| --- | --- | --- |",
        "| accuracy | 0.750 | 0.800 ± 0.014 |",  # .79 and .81
        "| against float, points | -5.00 | +0.00 ± 1.41 |",
        "| task 1, points | -10.00 | +0.00 ± 2.83 |",
        "| top-1 agreement | 0.950 | 0.950 ± 0.000 |",
        "| saliency MAE against float | +0.0000 | +0.0200 ± 0.0141 |",
        "| steps | 0 | 50 ± 0 |",
    ]


@pytest.mark.parametrize("maes", [{}, {"float": None, "tflite": None}])
def test_without_masks_there_is_no_saliency_error(maes):
    bare = conversion(0.9, None)
    bare.test.saliency_mae = maes
    assert "| saliency MAE against float | – |" in table({"PTQ": [bare]})


def test_conversions_are_made_once(tmp_path, monkeypatch):
    asked = []

    def convert(options):
        asked.append(options)
        out_dir = pathlib.Path(options.out_dir)
        out_dir.mkdir(parents=True)
        write_json(out_dir / "conversion.json", {options.quantization: conversion(0.9, 0.1, steps=options.epochs)})

    monkeypatch.setattr("sdkd_tf.deploy.conversion.convert", convert)
    found = conversions(tmp_path, [1, 4])
    assert {name: c.steps for name, c in found.items()} == {"PTQ": 1, "QAT, 1 epoch": 1, "QAT, 4 epochs": 4}
    folder = tmp_path / "tflite" / "quantization"
    expected = [("ptq", 1, "ptq"), ("qat", 1, "qat1"), ("qat", 4, "qat4")]
    assert asked == [ConversionOptions(str(tmp_path), None, str(folder / n), q, epochs) for q, epochs, n in expected]
    assert conversions(tmp_path, [1, 4]) == found and len(asked) == 3
