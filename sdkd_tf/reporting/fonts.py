"""Text in plots: names of tasks and arms are in any script, and matplotlib's own font has no Chinese, Japanese or Korean."""

import contextlib
import functools
from collections.abc import Iterable

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager

plt.rcParams["text.parse_math"] = False  # a name may hold a dollar sign
_OWN = "DejaVu Sans"


def drawable(texts: Iterable[str]) -> list[str]:
    """Makes texts drawable: adds installed fonts that have what matplotlib's own lacks, and escapes what no font has.

    Args:
      texts: to be drawn.

    Returns:
      The texts; a character that no font has is written as in Python, `\\\\u5eb7`.
    """
    texts = list(texts)
    chosen, fonts = [_OWN], _fonts()
    missing = {ord(character) for text in texts for character in text} - _characters(fonts[_OWN])
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
    """Adds fonts that were installed after matplotlib had listed them, which it does only once in the life of its cache."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in sorted({*font_manager.findSystemFonts()} - known):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # no font that it can draw
            font_manager.fontManager.addfont(file)


def _fonts() -> dict[str, str]:
    """Name -> file of the installed upright fonts of normal weight, without matplotlib's placeholders."""
    found = sorted((font.name, font.fname) for font in font_manager.fontManager.ttflist if _is_normal(font))
    return {name: file for name, file in found if not name.startswith("Last Resort")}


def _is_normal(font: font_manager.FontEntry) -> bool:
    return font.style == "normal" and font.weight in (400, "normal")


@functools.cache
def _characters(file: str) -> frozenset[int]:
    """Codes of the characters that a font has; none of a font that matplotlib cannot draw, as those of colored pictures."""
    try:
        font = font_manager.get_font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError, ValueError):
        return frozenset()
