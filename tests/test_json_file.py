"""What is wrong with a JSON file is told in one line, which names the place and what was expected."""

import json

import pytest
from sdkd_tf.json_file import read_json
from sdkd_tf.report import load_conversions, load_results, summary

from sdkd_tf.errors import UserError
from tests.fuzz.sources import conversion, results

FORM = {"name": str, "rows": [[float]], "count": int, "by": {str: float}, "may": ({"x": float}, None)}
GOOD = {"name": "ä", "rows": [[1, 0.5], []], "count": 3, "by": {"a": 1.0}, "further": [1]}


def refused(path, text, reason):
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_json(path, FORM, "a writer")
    assert str(error.value).startswith(f"{path}: ") and reason in str(error.value) and "\n" not in str(error.value)


def test_what_fits_is_read(tmp_path):
    for value in (GOOD, {**GOOD, "may": None}, {**GOOD, "may": {"x": 1}}):
        (tmp_path / "a.json").write_text(json.dumps(value))
        assert read_json(tmp_path / "a.json", FORM, "a writer") == value


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"name": 3}, "name is 3; expected text, as in a file written by a writer"),
        ({"name": None}, "name is missing or null; expected text"),
        ({"rows": [[1, "x"]]}, "rows[0][1] is 'x'; expected a number"),
        ({"rows": [[1], 2]}, "rows[1] is 2; expected a list"),
        ({"rows": [[True]]}, "rows[0][0] is True; expected a number"),
        ({"rows": [[float("nan")]]}, "rows[0][0] is nan; expected a number"),
        ({"rows": [[10**400]]}, "expected a number"),
        ({"count": 1.5}, "count is 1.5; expected a whole number"),
        ({"by": {"a\n": "x"}}, "by.a\\n is 'x'; expected a number"),
        ({"by": []}, "by is []; expected an object"),
        ({"may": {"x": "y"}}, "may.x is 'y'; expected a number"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, change, reason):
    refused(tmp_path / "a.json", json.dumps({**GOOD, **change}), reason)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("[]", "the whole is []; expected an object"),
        ("", "is no JSON (Expecting value"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON (maximum recursion depth"),
        ("1" * 5000, "is no JSON (Exceeds the limit"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path, text, reason):
    refused(tmp_path / "a.json", text, reason)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"accuracy_matrix": None}, "accuracy_matrix is missing or null; expected an object"),
        ({"tasks": []}, "accuracy_matrix.validation is not square; expected 0 rows and columns"),
        (
            {"accuracy_matrix": {"validation": [[1.0], [1.0, 1.0]], "test": []}},
            "accuracy_matrix.validation is not square",
        ),
        ({"peak_memory_mb": []}, "peak_memory_mb has 0 numbers; expected 2, one a task"),
    ],
)
def test_results_that_are_none(tmp_path, change, reason):
    (tmp_path / "results.json").write_text(json.dumps({**results(), **change}))
    with pytest.raises(UserError, match=f"results.json: {reason}"):
        load_results(tmp_path)


def test_a_report_names_the_conversion_that_is_none(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results()))
    (tmp_path / "tflite").mkdir()
    path = tmp_path / "tflite" / "conversion.json"
    path.write_text(json.dumps({"qat": conversion()}))
    assert "| 1.5 ms (x86_64) |" in summary(tmp_path) and load_conversions(path)["qat"] == conversion()
    path.write_text(json.dumps({"qat": {**conversion(), "latency": 3}}))
    with pytest.raises(UserError, match="conversion.json: qat.latency is 3; expected an object"):
        summary(tmp_path)
