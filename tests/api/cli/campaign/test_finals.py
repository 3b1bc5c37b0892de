"""`effspine campaign finals` and `continue`, and how the terminal shows finals."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from api.cli.campaign.progress import status_line, view
from api.cli.campaign.tables import finals_line
from api.documents import CampaignDocument, FinalsReportDocument
from nas_controller.campaigns.finals_report import finals_report
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.final_trainings import Start, starter
from tests.support.synthetic_campaigns import create


@pytest.fixture
def start(served: Store, tmp_path: Path) -> Start:
    return starter(served, tmp_path)


def test_finals_are_run_shown_and_run_again(effspine: CommandLine, served: Store, start: Start) -> None:
    campaign_id = create(served, trials=5)
    start(campaign_id)
    missing = effspine("campaign", "finals", campaign_id)
    assert (missing.status, "has no finals yet" in missing.err) == (2, True)
    begun = effspine("campaign", "finals", campaign_id, "--seeds", "2", "--top", "1", "--json")
    assert (begun.status, begun.document["state"]) == (0, "running")
    start(campaign_id)
    shown = effspine("campaign", "finals", campaign_id)
    assert shown.status == 0
    assert "95 % interval" in shown.out
    assert "The uniform baseline ranks first, and no finalist is better" in shown.out
    report = effspine("campaign", "finals", campaign_id, "--json").document
    assert report["finals"]["runs"] == 4
    (found,) = report["verdict"]["comparisons"]
    assert ("parameters" in shown.out, "latency" in shown.out) == (True, False)
    assert f"{100 * (found['params_ratio'] - 1):+.0f} %" in shown.out
    assert effspine("campaign", "finals", campaign_id, "--seeds", "3").status == 0
    start(campaign_id)
    assert served.reads.get_campaign(campaign_id).state == "completed"
    again = effspine("campaign", "finals", campaign_id, "--run")
    assert (again.status, "give more `seeds`, or a larger `top`" in again.err) == (2, True)
    assert "no confirmed winner, 1 finalists, 3 seeds" in effspine("campaign", "show", campaign_id).out
    refused = effspine("campaign", "finals", campaign_id, "--set", "seconds=oops")
    assert (refused.status, "seconds" in refused.err) == (2, True)


def test_a_stopped_campaign_is_continued(effspine: CommandLine, served: Store, start: Start) -> None:
    campaign_id = create(served, trials=3)
    served.service.request_stop(campaign_id)
    continued = effspine("campaign", "continue", campaign_id, "--trials", "3", "--json")
    assert (continued.status, continued.document["state"]) == (0, "pending")
    start(campaign_id)
    assert effspine("campaign", "show", campaign_id, "--json").document["state"] == "completed"


def test_a_completed_campaign_is_continued(effspine: CommandLine, served: Store, start: Start) -> None:
    campaign_id = create(served, trials=3)
    start(campaign_id)
    refused = effspine("campaign", "continue", campaign_id, "--trials", "3")
    assert (refused.status, "continues with `trials` above 3" in refused.err) == (2, True)
    continued = effspine("campaign", "continue", campaign_id, "--trials", "6", "--json")
    assert (continued.status, continued.document["state"]) == (0, "running")
    start(campaign_id)
    assert served.reads.get_campaign(campaign_id).trials_finished == 6


def test_watching_prints_the_finals_and_their_verdict(effspine: CommandLine, served: Store, start: Start) -> None:
    campaign_id = create(served, trials=4, finals={"top": 1, "seeds": 2})
    start(campaign_id)
    lines = effspine("campaign", "watch", campaign_id).out.splitlines()
    assert "finals: 1 candidate and the baseline, 2 seeds" in lines
    assert sum(line.startswith("final of trial") for line in lines) == 4
    assert any("The uniform baseline ranks first" in line for line in lines)
    best = effspine("campaign", "best", campaign_id).out
    assert "The uniform baseline ranks first, and no finalist is better" in best


def test_the_live_view_shows_finals_their_progress_and_the_time_left(served: Store, start: Start) -> None:
    campaign_id = create(served, trials=4, finals={"top": 2, "seeds": 2})
    start(campaign_id)
    served.service.request_finals(campaign_id, {"seeds": 5})
    record = served.reads.get_campaign(campaign_id)
    campaign = CampaignDocument.model_validate(record.to_dict())
    report = FinalsReportDocument.model_validate(finals_report(served, campaign_id).to_dict())
    out = io.StringIO()
    Console(file=out, width=140).print(view(campaign, [], report=report))
    assert "The finals are running: 6 of 15 trainings are finished." in out.getvalue()
    assert "finals: 6 of 15 trainings" in status_line(campaign)
    assert finals_line(campaign.finals) == "running, 6 of 15 trainings"
    assert finals_line(None) is None
