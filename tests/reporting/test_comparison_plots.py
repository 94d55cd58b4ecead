"""The arms of a comparison can be told apart, and SDKD is the bold one."""

import pytest

from sdkd_tf.config import make_config
from sdkd_tf.evaluation.results import Results
from sdkd_tf.reporting.comparison_plots import line_styles
from sdkd_tf.reporting.comparison_tables import Record


def records(*strategies):
    return [
        Record(f"arm {number}", cell, make_config(strategy=strategy), Results([], "", {}, 1))
        for number, strategy in enumerate(strategies)
        for cell in ("a", "b")
    ]


@pytest.mark.parametrize("before", [0, 3])
def test_the_first_arm_with_sdkds_strategy_is_bold_and_drawn_over_the_others(before):
    styles = line_styles(records(*["finetune"] * before, "sdkd", "joint", "sdkd"))
    bold = styles.pop(f"arm {before}")
    assert bold["linestyle"] == "-" and len(styles) == before + 2
    assert all(bold[name] > style[name] for style in styles.values() for name in ("linewidth", "markersize", "zorder"))
    assert all(style["linestyle"] != "-" for style in styles.values())


def test_other_arms_differ_in_color_and_in_line_style():
    styles = [*line_styles(records(*["finetune"] * 45)).values()]
    for name, count in (("color", 9), ("linestyle", 5), ("marker", 5)):
        assert len({str(style[name]) for style in styles[:count]}) == count
    assert len({(str(style["color"]), str(style["linestyle"])) for style in styles}) == 45
