"""The fonts of PDF documents: the standard ones, which no document embeds, and others for what those lack.

Latin text and symbols are in Helvetica or Courier. Cyrillic and most other alphabets are in DejaVu, which comes with
Matplotlib and is embedded as far as it is used. Chinese, Japanese and Korean are in the fonts that PDF readers have for
them. Scripts from right to left are neither reordered nor joined.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

SANS, SANS_BOLD, MONO = "Helvetica", "Helvetica-Bold", "Courier"

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_WIDER = {SANS: "DejaVuSans", SANS_BOLD: "DejaVuSans-Bold", MONO: "DejaVuSansMono"}
_JAPANESE, _KOREAN, _CHINESE = "HeiseiKakuGo-W5", "HYSMyeongJo-Medium", "STSong-Light"
_SCRIPTS = {"HIRAGANA": _JAPANESE, "KATAKANA": _JAPANESE, "HANGUL": _KOREAN, "CJK": _CHINESE, "FULLWIDTH": _CHINESE}


def font_runs(text: str, font: str) -> list[tuple[str, str]]:
    """The text as parts, each with the font that shows it; `font` shows as much as it can.

    A character that no font has becomes REPLACEMENT. A text without characters is one part.
    """
    asian = _asian_font(text)
    placed = [_placed(character, font, asian) for character in text]
    parts = [(name, "".join(each for _, each in group)) for name, group in groupby(placed, key=lambda each: each[0])]
    return parts or [(font, text)]


def _placed(character: str, font: str, asian: str) -> tuple[str, str]:
    """A character with its font."""
    if _is_in_standard_font(character, font):
        return font, character
    wider = _wider_font(_WIDER.get(font, _WIDER[SANS]))
    if ord(character) in wider.face.charToGlyph:
        return wider.fontName, character
    if _script(character) and ord(character) <= 0xFFFF:
        return _cid_font(asian), character
    return wider.fontName, REPLACEMENT


def _asian_font(text: str) -> str:
    """The font for the Chinese characters of a text: Japanese or Korean where it has letters of those."""
    fonts = [_SCRIPTS[script] for script in map(_script, text) if script]
    return next((font for font in fonts if font != _CHINESE), _CHINESE)


def _script(character: str) -> str:
    """The script of an East Asian character by its Unicode name, "" for any other."""
    name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return name if name in _SCRIPTS else ""


@cache
def _is_in_standard_font(character: str, font: str) -> bool:
    """Whether a standard font, or those that reportlab takes symbols from, has a character."""
    standard = pdfmetrics.getFont(font)
    for each in (standard, *getattr(standard, "substitutionFonts", ())):
        try:
            character.encode(each.encName)
        except UnicodeError:
            continue
        return True
    return False


@cache
def _wider_font(name: str) -> Any:
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise RuntimeError("Matplotlib, whose fonts PDF documents embed, is not installed")
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    pdfmetrics.registerFont(TTFont(name, str(path)))
    return pdfmetrics.getFont(name)


@cache
def _cid_font(name: str) -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name
