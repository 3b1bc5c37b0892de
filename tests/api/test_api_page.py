"""docs/api.md lists every route, error type and event kind, and the schema revision of this version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from exporters import EXPORTERS
from nas_controller.states import CAMPAIGN_STATES, TRIAL_STATES
from nas_controller.store import EventRecord
from nas_controller.store.schema import HEAD
from tests.support.paths import ROOT

KINDS = r"(?:campaign|trial|attempt|shared-training|finals?)\.[a-z]+"
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def literals(package: str, pattern: str) -> set[str]:
    """The matches of a pattern in the sources of a package."""
    sources = (path.read_text(encoding="utf-8") for path in Path(ROOT / package).rglob("*.py"))
    return {found for source in sources for found in re.findall(pattern, source)}


def test_every_error_type_is_listed() -> None:
    types = literals("api/http", r'kind="([a-z-]+)"')
    assert len(types) >= 14
    cells = re.findall(r"^\| [45]\d\d \| (.*?) \|", PAGE, re.MULTILINE)
    assert types == {name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)}


def test_every_event_kind_is_listed() -> None:
    written = literals("nas_controller/store", f'"({KINDS})"')
    states = {f"campaign.{state}" for state in ("pausing", "paused", "completed", "stopped", "failed")}
    states |= {f"trial.{state}" for state in TRIAL_STATES if state != "running"}
    table = re.search(r"\| kind \| when \|\n.*?\n\n", PAGE, re.DOTALL)
    assert table is not None
    assert set(re.findall(f"`({KINDS})`", table.group())) == written | states


def test_the_docstring_of_event_records_lists_the_same_kinds() -> None:
    pattern = f"`({KINDS})`"
    table = re.search(r"\| kind \| when \|\n.*?\n\n", PAGE, re.DOTALL)
    assert table is not None
    listed = re.findall(pattern, EventRecord.__doc__ or "")
    assert len(listed) == len(set(listed))
    assert set(listed) == set(re.findall(pattern, table.group()))


@pytest.mark.parametrize("state", CAMPAIGN_STATES)
def test_every_state_of_a_campaign_is_listed(state: str) -> None:
    assert f"`{state}`" in PAGE


def test_formats_of_exports_have_the_purposes_of_the_registry() -> None:
    items = re.findall(
        r'\{"name": "([\w-]+)",\s+"purpose": "(.*?)",\s+"suffix": "(.*?)", "media_type": "(.*?)", "place": "(.*?)"',
        PAGE,
    )
    assert len(items) == 2
    for name, *stated in items:
        exporter = EXPORTERS[name]
        assert stated == [exporter.purpose, exporter.suffix, exporter.media_type, exporter.place]


def test_every_route_is_listed(service: TestClient) -> None:
    for path in service.get("/openapi.json").json()["paths"]:
        name = re.sub(r"\{\w*_id\}", "{id}", path)
        assert name in PAGE or name.rpartition("/")[2] in PAGE, path


def test_responses_have_the_schema_revision_of_this_version() -> None:
    assert f'"schema_revision": "{HEAD}"' in PAGE
    assert f'W/"0.1.0-{HEAD}-' in PAGE
