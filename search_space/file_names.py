"""Names of files that people recognise."""

from __future__ import annotations


def file_stem(name: str, fallback: str = "campaign") -> str:
    """A name as part of a portable file name: ASCII letters, digits and dashes; `fallback` if it has none of them."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in letters.split("-") if part)[:60] or fallback
