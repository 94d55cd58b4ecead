"""The strategy in docs/strategies.md works as it is written there."""

import pathlib
import re

import numpy as np

from sdkd_tf import strategies


def test_the_documented_example(train, monkeypatch):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
    code = re.search(r"```python\n(\"\"\"L2-SP.*?)```", text, re.DOTALL)[1]
    assert len(code.splitlines()) < 60
    namespace = {}
    exec(code, namespace)  # our own documentation
    monkeypatch.setitem(strategies.STRATEGIES, "l2sp", namespace["L2SP"])
    finetuned = train("finetune")[1]
    np.testing.assert_array_equal(train("l2sp", l2sp_weight=0.0)[1], finetuned)
    assert np.abs(train("l2sp", l2sp_weight=1e4)[1] - finetuned).max() > 1e-3
