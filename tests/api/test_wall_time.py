"""The time that a campaign has run: the report and the pages have the same rule, tested with the same cases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.documents import CampaignDocument
from api.http.examples import EXAMPLE_RESPONSES
from api.report.wall_time import wall_seconds
from tests.support.scripts import needs_node, run_script

NOW = "2026-11-22T16:00:00Z"
STARTED = "2026-11-22T15:00:00Z"
CASES: dict[str, tuple[dict[str, Any], float | None]] = {
    "not started": ({}, None),
    "running": ({"started_at": STARTED}, 3600.0),
    "running after a pause": ({"started_at": STARTED, "paused_seconds": 600.0}, 3000.0),
    "paused": ({"started_at": STARTED, "paused_at": "2026-11-22T15:20:00Z", "paused_seconds": 600.0}, 600.0),
    "ended": ({"started_at": STARTED, "finished_at": "2026-11-22T15:30:00Z"}, 1800.0),
    "ended again, days after its first end": (
        {"started_at": "2026-11-20T15:00:00Z", "finished_at": "2026-11-22T15:30:00Z", "paused_seconds": 172_800.0},
        1800.0,
    ),
    "by clocks that differ": ({"started_at": STARTED, "finished_at": STARTED, "paused_seconds": 0.5}, 0.0),
}


def document(fields: dict[str, Any]) -> dict[str, Any]:
    """A campaign with these times."""
    unset = {"started_at": None, "finished_at": None, "paused_at": None, "paused_seconds": 0.0}
    return {**EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}"], **unset, **fields}


@pytest.mark.parametrize("name", CASES)
def test_the_report_follows_the_rule(name: str) -> None:
    fields, seconds = CASES[name]
    campaign = CampaignDocument.model_validate(document(fields))
    assert wall_seconds(campaign, datetime.fromisoformat(NOW)) == seconds


@needs_node
def test_the_pages_follow_the_rule(tmp_path: Path) -> None:
    script = f"""
    const {{ wallSeconds }} = await import("./format.js");
    return given.map((campaign) => wallSeconds(campaign, Date.parse("{NOW}")));
    """
    found = run_script(tmp_path, script, [document(fields) for fields, _ in CASES.values()])
    assert found == [seconds for _, seconds in CASES.values()]


@needs_node
def test_the_headline_and_the_comparison_have_it_without_pauses(tmp_path: Path) -> None:
    script = f"""
    const {{ timeFigure }} = await import("./campaign/headline.js"), {{ CAMPAIGN_ROWS }} = await import("./compare/rows.js");
    const wall = CAMPAIGN_ROWS.find(([label]) => label === "Wall time")[1];
    return given.map((campaign) => [timeFigure(campaign, [], null, Date.parse("{NOW}"), false), wall({{ campaign }})]);
    """  # noqa: E501
    again = {**document(CASES["ended again, days after its first end"][0]), "state": "completed"}
    running = {**document(CASES["running after a pause"][0]), "state": "running"}
    (ended, compared), (goes_on, _) = run_script(tmp_path, script, [again, running])
    assert (ended["value"], compared) == ("30 min 00 s", "30 min 00 s")
    assert goes_on["note"] == "running for 50 min 00 s"
