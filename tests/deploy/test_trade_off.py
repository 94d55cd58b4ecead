"""The table of what quantization costs, on two made-up reports."""

from sdkd_tf.deploy.trade_off import table


def report(tflite, mae, **training):
    accuracy = {"task1": {"float": 0.9, "tflite": tflite}, "task2": {"float": 0.7, "tflite": 0.7}}
    maes = {"float": 0.1, "tflite": mae}
    return {"test": {"accuracy": accuracy, "top1_agreement": 0.95, "saliency_mae": maes}, **training}


def test_means_and_deviations_by_hand():
    qat = [report(0.88, 0.11, steps=50, range_distance=0.02), report(0.92, 0.13, steps=50, range_distance=0.04)]
    lines = table({"PTQ": [report(0.8, 0.1)], "QAT": qat}).splitlines()
    assert lines == [
        "| | PTQ | QAT |",
        "|---|---|---|",
        "| accuracy | 0.750 | 0.800 ± 0.014 |",  # .79 and .81
        "| against float, points | -5.00 | +0.00 ± 1.41 |",
        "| task 1, points | -10.00 | +0.00 ± 2.83 |",
        "| top-1 agreement | 0.950 | 0.950 ± 0.000 |",
        "| saliency MAE against float | +0.0000 | +0.0200 ± 0.0141 |",
        "| steps | 0 | 50 ± 0 |",
        "| ranges' distance | – | 0.030 ± 0.014 |",
    ]


def test_without_masks_there_is_no_saliency_error():
    bare = report(0.9, None)
    bare["test"]["saliency_mae"] = {"float": None, "tflite": None}
    assert "| saliency MAE against float | – |" in table({"PTQ": [bare]})
