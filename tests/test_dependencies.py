"""The page on dependencies names exactly the dependencies of the project and of the dashboard's pages."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.support.paths import ROOT
from tools.vendor_scripts import VERSIONS

_NAME = re.compile(r"[A-Za-z0-9._-]+(?:\[[A-Za-z0-9,._-]+\])?")
_HEADING = re.compile(r"^## (\S+)$")
_ROW = re.compile(r"^\| `([^`]+)` \| (\S.*\S) \| (\S.*\S) \|$")


def _declared() -> dict[str, list[str]]:
    """Names with their extras, without versions, by group.

    Packages that are always installed are `runtime`, libraries of pages are `dashboard`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"runtime": project["dependencies"], **project["optional-dependencies"], "dashboard": list(VERSIONS)}
    return {group: sorted(_name(requirement) for requirement in groups[group]) for group in groups}


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match is not None, requirement
    return match.group()


def _documented() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.match(line):
            names = groups.setdefault(heading[1], [])
        elif row := _ROW.match(line):
            names.append(row[1])
    return groups


def test_the_page_has_the_groups_of_the_project() -> None:
    assert _documented().keys() == _declared().keys()


@pytest.mark.parametrize("group", _declared())
def test_the_page_names_every_dependency_of_a_group_and_nothing_else(group: str) -> None:
    assert sorted(_documented()[group]) == _declared()[group]
