"""The bars of pages, their table, and the medians of loads."""

from __future__ import annotations

from tools.pages.bars import INTERACTION_MS, LONG_TASK_MS, USEFUL_MS, missed, rows, table
from tools.pages.measure import Load, PageFigures, medians

FAST = Load(first_paint=120, useful=480, long_task=0, requests=90, kilobytes=270.4, heap_mb=4.8)


def figures(**changes: float) -> PageFigures:
    """A page that meets its bars, with other values where given."""
    return PageFigures(FAST._replace(**changes), {"sort": 24.0})


def test_a_page_that_meets_its_bars_misses_none() -> None:
    assert missed(rows({"list": figures()})) == []


def test_each_bar_is_missed_by_its_own_figure_and_at_the_bar_itself() -> None:
    at_bar = figures(useful=USEFUL_MS, long_task=LONG_TASK_MS)._replace(interactions={"sort": float(INTERACTION_MS)})
    assert [row.figure for row in missed(rows({"list": at_bar}))] == [
        "first useful paint",
        "longest task after it",
        "sort",
    ]


def test_a_page_that_need_only_be_usable_has_bars_for_its_interactions_alone() -> None:
    slow = figures(useful=1e4, long_task=1e4)._replace(interactions={"sort": 150.0})
    assert [row.figure for row in missed(rows({"long": slow}, usable=["long"]))] == ["sort"]


def test_bytes_requests_and_memory_have_no_bar() -> None:
    found = {row.figure: row.holds for row in rows({"list": figures(kilobytes=1e9, requests=1e6, heap_mb=1e6)})}
    assert found["received"] is found["requests of a load"] is found["memory of scripts"] is None


def test_the_table_names_page_figure_value_and_bar_in_aligned_columns() -> None:
    lines = table(rows({"list": figures(useful=2_345.6)})).splitlines()
    useful = next(line for line in lines if "useful" in line)
    assert useful.split("  ")[0] == "list"
    assert "2,346 ms" in useful
    assert useful.endswith("NO")
    assert {line.index("ms") for line in lines if "contentful" in line or "useful" in line} == {useful.index("ms")}


def test_loads_give_their_medians_but_the_longest_of_all_tasks() -> None:
    loads = [FAST._replace(useful=useful, long_task=task) for useful, task in ((300, 0), (900, 70), (500, 60))]
    found = medians(loads)
    assert found.useful == 500
    assert found.long_task == 70
    assert found.requests == FAST.requests
