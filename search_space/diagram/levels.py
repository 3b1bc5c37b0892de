"""The table below a block diagram: the multi-adds of each level, of the stem and the head, and of the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from search_space.diagram.layout import PITCH, Layout, Panel, column_x
from search_space.diagram.shares import TABLE_ROW, TITLE, heading, signed_points
from search_space.diagram.svg import text
from search_space.topology import BLOCKS, by_level

REST = "stem, head"
ALL = "all"


class Total(NamedTuple):
    """The multi-adds of one level, of what belongs to none, or of all, and their share of the network's."""

    name: str
    madds: int
    share: float


def level_totals(panel: Panel) -> list[Total]:
    """The totals of the levels from the finest, then of the stem with the detection head, then of the network."""
    whole = panel.cost.madds
    sums = {f"L{level}": round(madds) for level, madds in by_level(each.madds for each in panel.cost.blocks).items()}
    sums |= {REST: whole - sum(sums.values()), ALL: whole}
    return [Total(name, madds, madds / whole) for name, madds in sums.items()]


def table_height(figure: Layout) -> float:
    """The height of the table with its title, in px."""
    return TITLE + TABLE_ROW * (4 if len(figure.panels) > 1 else 3)


def level_table(figure: Layout, top: float) -> Iterator[str]:
    """The totals of the architecture, and how many points its shares are above the baseline's."""
    several = len(figure.panels) > 1
    yield from heading(top, "d" if several else "", "Multi-adds by level", "")
    totals = level_totals(figure.panels[0])
    rows = [
        ("level", "note", [each.name for each in totals]),
        ("in (a), M" if several else "multi-adds, M", "figure", [f"{each.madds / 1e6:,.1f}" for each in totals]),
        ("share in (a), %" if several else "share, %", "figure", [f"{100 * each.share:.1f}" for each in totals]),
    ]
    if several:
        changes = [own.share - other.share for own, other in zip(totals, level_totals(figure.panels[1]), strict=True)]
        rows.append(("change, points", "figure", [signed_points(change, 1) for change in changes]))
    left, width = column_x(0) + PITCH / 2, PITCH * len(BLOCKS) / len(totals)
    for line, (name, role, cells) in enumerate(rows):
        y = top + TITLE + TABLE_ROW * line + 8
        yield text("text", left - 6, y, name, "end")
        for column, cell in enumerate(cells):
            yield text(role, left + width * (column + 0.5), y, cell, "middle")
