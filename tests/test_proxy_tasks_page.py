"""The page on proxy tasks has the fields and the profiles of the code, cell by cell."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, get_args

import pytest

from search_space.proxy_task import PROFILES, Kind, Optimizer, Precision, ProxyTask, ReserveFrom, Schedule
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "proxy-tasks.md"
SHOWN = ("paper", "laptop", "laptop-alone", "smoke")
"""Profiles with a column; `synthetic` trains nothing, and a sentence below the table describes its only field."""
_WORDS: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "schedule": get_args(Schedule),
    "optimizer": get_args(Optimizer),
    "reserve_from": get_args(ReserveFrom),
    "precision": get_args(Precision),
}
_NAME = re.compile(r"`([a-z_]+)`")


def _table() -> dict[str, dict[str, str]]:
    """Cells of the field table by field and column; in a row of two fields, a cell with a comma is split."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| field | meaning |"))
    columns = [cell.strip(" `") for cell in lines[first].strip("|").split("|")]
    cells: dict[str, dict[str, str]] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        row = dict(zip(columns, (cell.strip() for cell in line.strip("|").split("|")), strict=True))
        names = _NAME.findall(row["field"])
        for place, name in enumerate(names):
            assert name not in cells, f"{name} stands twice in the table"
            cells[name] = {
                column: cell.split(", ")[place] if column in SHOWN and len(names) > 1 else cell
                for column, cell in row.items()
            }
    return cells


def _allowed(name: str) -> str:
    """The expected cell of the column `allowed`."""
    field = next(field for field in fields(ProxyTask) if field.name == name)
    if isinstance(field.default, bool):
        return "`true`, `false`"
    if name in _WORDS:
        return ", ".join(f"`{word}`" for word in _WORDS[name])
    return f"{_grouped(field.metadata['low'])} to {_grouped(field.metadata['high'])}"


def _grouped(number: float) -> str:
    """A limit in the format of the page: 1,000,000 and 86,400, but 4096; 0.05; 1e-6."""
    if number != int(number):
        return f"{number:g}".replace("e-0", "e-")
    return f"{int(number):,}" if number >= 10_000 else str(int(number))


def _written(value: Any) -> str:
    """The expected cell of a profile's value."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value}`"
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value)


def test_the_table_has_every_field_in_the_order_of_the_code() -> None:
    assert list(_table()) == [field.name for field in fields(ProxyTask) if field.name != "profile"]


@pytest.mark.parametrize("profile", SHOWN)
def test_every_cell_of_a_profile_is_its_value(profile: str) -> None:
    values = PROFILES[profile].to_dict()
    wanted = {name: "" if name == "seconds" else _written(values[name]) for name in _table()}
    differing = [
        f"{name} of {profile} is {wanted[name]!r} in the code and {row[profile]!r} on the page"
        for name, row in _table().items()
        if row[profile] != wanted[name]
    ]
    assert not differing, "; ".join(differing)


def test_every_cell_of_the_limits_is_what_the_code_allows() -> None:
    differing = [
        f"{name} takes {_allowed(name)!r} in the code and {row['allowed']!r} on the page"
        for name, row in _table().items()
        if row["allowed"] != _allowed(name)
    ]
    assert not differing, "; ".join(differing)


def test_every_meaning_is_that_of_the_code() -> None:
    """Except for links, and for fields that share a row."""
    meanings = {name: re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", row["meaning"]) for name, row in _table().items()}
    shared = {name for name, row in _table().items() if len(_NAME.findall(row["field"])) > 1}
    assert shared == {"scale_min", "scale_max"}
    for field in fields(ProxyTask):
        if field.name not in ("profile", *shared):
            assert meanings[field.name] == field.metadata["meaning"]


def test_the_page_names_every_profile_and_no_other() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8").split("## Fields")[0], re.MULTILINE)
    assert named == list(PROFILES)


def test_the_sentence_about_the_synthetic_profile() -> None:
    assert PROFILES["synthetic"].seconds == 0
    assert "`synthetic` has 0 seconds." in PAGE.read_text(encoding="utf-8")
