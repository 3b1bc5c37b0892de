"""Tables of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(*paragraphs: str) -> str:
    """A page of these paragraphs, without the empty ones."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
