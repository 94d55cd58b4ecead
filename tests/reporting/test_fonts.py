"""Names in scripts that matplotlib's own font does not have; with a font made here, which has one Chinese character."""

import logging
import warnings

import matplotlib.pyplot as plt
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from sdkd_tf.reporting.fonts import drawable


@pytest.fixture
def font(tmp_path, monkeypatch):
    """An installed font that has a square for `杯` and nothing else."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cup"])
    builder.setupCharacterMap({ord("杯"): "cup"})
    builder.setupGlyf({".notdef": square, "cup": square})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "cup": (900, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Cups Only", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "cups.ttf")
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    own = [entry for entry in font_manager.fontManager.ttflist if "matplotlib" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)  # whatever this machine has besides
    # They were installed after matplotlib made its list.
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path) for path in tmp_path.glob("*.ttf")])


def draw(texts, caplog):
    """Draws texts; neither a warning nor a line of a log comes of it."""
    caplog.set_level(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, axes = plt.subplots()
        axes.set_xticks(range(len(texts)), texts)
        figure.canvas.draw()
        plt.close(figure)
    assert not caplog.records


def test_what_another_font_has_is_drawn_with_it_and_what_none_has_is_escaped(font, caplog):
    texts = drawable(["杯 cup", "杯子", "$x$ é"])
    assert texts == ["杯 cup", "杯\\u5b50", "$x$ é"]
    assert plt.rcParams["font.family"] == ["DejaVu Sans", "Cups Only"]
    draw(texts, caplog)


def test_matplotlibs_own_font_alone_where_it_has_everything(caplog):
    assert drawable(["task1", "чашка"]) == ["task1", "чашка"]
    assert plt.rcParams["font.family"] == ["DejaVu Sans"]
    draw(["task1", "чашка"], caplog)
