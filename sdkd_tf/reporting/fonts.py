"""Fonts for plots: names may be in any script, but matplotlib's default font has no Chinese, Japanese or Korean."""

import contextlib
import functools
from collections.abc import Iterable

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager

plt.rcParams["text.parse_math"] = False  # a name may contain a dollar sign
_DEFAULT = "DejaVu Sans"


def drawable(texts: Iterable[str]) -> list[str]:
    """Selects installed fonts for the characters that matplotlib's default font lacks.

    Args:
      texts: the texts to draw.

    Returns:
      The texts, in which characters that no font has are escaped as in Python, `\\u5eb7`.
    """
    texts = list(texts)
    chosen, fonts = [_DEFAULT], _fonts()
    missing = {ord(character) for text in texts for character in text} - _characters(fonts[_DEFAULT])
    if missing:
        _add_new_fonts()
        fonts = _fonts()
    while missing:
        best = max(fonts, key=lambda name: len(missing & _characters(fonts[name])))
        if not missing & _characters(fonts[best]):
            break
        missing -= _characters(fonts[best])
        chosen.append(best)
    plt.rcParams["font.family"] = chosen
    return [text.translate({code: chr(code).encode("unicode_escape").decode() for code in missing}) for text in texts]


def _add_new_fonts() -> None:
    """Adds fonts that were installed after matplotlib cached its list of fonts."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in sorted({*font_manager.findSystemFonts()} - known):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # not a font that matplotlib supports
            font_manager.fontManager.addfont(file)


def _fonts() -> dict[str, str]:
    """Name -> file of the installed upright fonts of normal weight, without those that only draw placeholders."""
    listed = sorted(font_manager.fontManager.ttflist, key=lambda font: (font.name, font.fname))
    normal = (font for font in listed if font.style == "normal" and font.weight in (400, "normal"))
    return {font.name: font.fname for font in normal if not font.name.startswith("Last Resort")}


@functools.cache
def _characters(file: str) -> frozenset[int]:
    """Codes of the characters in a font; empty for fonts that matplotlib cannot draw, such as color bitmaps."""
    try:
        font = font_manager.get_font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError, ValueError):
        return frozenset()
