"""The time left of a campaign: the terminal and the dashboard have the same rule, tested with the same cases."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.cli.campaign.time_left import finals_seconds_left, seconds_left, shared_seconds_left, training_seconds
from api.documents import CampaignDocument, FinalsReportDocument, SharedTrainingDocument, TrialDocument
from api.http.examples import EXAMPLE_RESPONSES
from api.http.routes.dashboard import STATIC_DIR
from nas_controller.search.stop_spec import StopSpec
from nas_controller.store import Store
from tests.support.campaign_documents import campaign_and_trials
from tests.support.recorder import Recorder

CASES = json.loads(Path(__file__).with_name("time_left_cases.json").read_text())
FINALS_CASES = json.loads(Path(__file__).with_name("finals_time_left_cases.json").read_text())
SHARED_CASES = json.loads(Path(__file__).with_name("shared_time_left_cases.json").read_text())
NOW = "2026-11-22T15:01:40Z"
SCRIPT = """
import { finalsSecondsLeft, secondsLeft, sharedSecondsLeft } from "./time-left.js";
const text = await new Promise((resolve) => { let all = ""; process.stdin.on("data", (part) => all += part).on("end", () => resolve(all)); });
const { trials, shared, finals } = JSON.parse(text);
console.log(JSON.stringify([
  trials.map(({ campaign, recent, now }) => secondsLeft(campaign, recent, Date.parse(now))),
  shared.map(({ campaign, now }) => sharedSecondsLeft(campaign, Date.parse(now))),
  finals.map(({ campaign, report }) => finalsSecondsLeft(campaign, report)),
]));
"""  # noqa: E501


def documents(case: dict[str, Any]) -> dict[str, Any]:
    """The campaign and the trials of a case, as the API sends them. It has run since NOW unless the case says more."""
    example, given = EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}"], case["campaign"]
    unset = {"started_at": NOW, "finished_at": None, "paused_at": None, "paused_seconds": 0.0, "device_seconds": 0.0}
    stop = given.get("stop") and {**dict.fromkeys(StopSpec.model_fields), **given["stop"]}
    resources = {**example["spec"]["resources"], "gpus": given.get("gpus"), "tpus": given.get("tpus", 0)}
    spec = {**example["spec"], "trials": given["trials"], "parallelism": given["parallelism"]}
    state = {name: value for name, value in given.items() if name in example}
    return {
        "campaign": {**example, **unset, **state, "spec": {**spec, "stop": stop, "resources": resources}},
        "recent": [trial_document(trial) for trial in case["recent"]],
        "now": NOW,
    }


def trial_document(trial: dict[str, Any]) -> dict[str, Any]:
    """A trial that took half a minute, unless it has measured its time; `begun` null waits for a worker."""
    return {
        **EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}/trials"]["items"][1],
        "state": trial["state"],
        "reused_from": trial.get("reused_from"),
        "metrics": {"seconds": trial["seconds"]} if trial.get("seconds") is not None else None,
        "progress_step": trial.get("step"),
        "progress_total": trial.get("total"),
        "started_at": "2026-11-22T14:00:00Z",
        "worker_started_at": None
        if trial.get("reused_from") is not None
        else trial.get("begun", "2026-11-22T15:00:00Z"),
        "finished_at": None if trial["state"] == "running" else trial.get("end", "2026-11-22T15:00:30Z"),
    }


def training_campaign(training: dict[str, Any] | None) -> dict[str, Any]:
    """A campaign with a shared training whose latest attempt has begun 100 seconds before NOW."""
    example = EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}"]
    unset = dict.fromkeys(SharedTrainingDocument.document_fields())
    began = {
        "attempts": 1,
        "seconds": 0.0,
        "started_at": "2026-11-22T14:00:00Z",
        "worker_started_at": "2026-11-22T15:00:00Z",
    }
    return {**example, "shared_training": None if training is None else {**unset, **began, **training}}


def finals_documents(case: dict[str, Any]) -> dict[str, Any]:
    """The campaign and the report of its finals, as the API sends them."""
    campaign = EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}"]
    report = EXAMPLE_RESPONSES["get", "/v1/campaigns/{campaign_id}/finals"]
    size = {name: case[name] for name in ("runs", "runs_finished")}
    return {
        "campaign": {
            **campaign,
            "state": case["state"],
            "spec": {**campaign["spec"], "parallelism": case["parallelism"]},
        },
        "report": {
            **report,
            "finals": {**report["finals"], **size, "state": case["finals"]},
            "runs": [final_run(report["runs"][0], training) for training in case["trainings"]],
        },
    }


def final_run(example: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """A training that took half a minute, unless it has measured its time."""
    state = "failed" if "failed" in training else "running" if "step" in training else "completed"
    seconds = training.get("seconds")
    return {
        **example,
        "state": state,
        "metrics": None if seconds is None else {"seconds": seconds},
        "progress_step": training.get("step"),
        "progress_total": training.get("total"),
        "started_at": "2026-11-22T14:00:00Z",
        "worker_started_at": "2026-11-22T15:00:00Z",
        "finished_at": None if state == "running" else "2026-11-22T15:00:30Z",
    }


@pytest.mark.parametrize("case", FINALS_CASES, ids=lambda case: case["name"])
def test_the_terminal_follows_the_rule_of_finals(case: dict[str, Any]) -> None:
    given = finals_documents(case)
    campaign = CampaignDocument.model_validate(given["campaign"])
    report = FinalsReportDocument.model_validate(given["report"])
    assert finals_seconds_left(campaign, report) == pytest.approx(case["seconds_left"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_terminal_follows_the_rule(case: dict[str, Any]) -> None:
    case_documents = documents(case)
    campaign = CampaignDocument.model_validate(case_documents["campaign"])
    recent = [TrialDocument.model_validate(trial) for trial in case_documents["recent"]]
    assert seconds_left(campaign, recent, datetime.fromisoformat(NOW)) == pytest.approx(case["seconds_left"])


@pytest.mark.parametrize("case", SHARED_CASES, ids=lambda case: case["name"])
def test_the_terminal_follows_the_rule_of_shared_weights(case: dict[str, Any]) -> None:
    campaign = CampaignDocument.model_validate(training_campaign(case["training"]))
    assert shared_seconds_left(campaign, datetime.fromisoformat(NOW)) == pytest.approx(case["seconds_left"])


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_dashboard_follows_the_rules(tmp_path: Path) -> None:
    for name in ("format.js", "time-left.js"):
        shutil.copy(STATIC_DIR / name, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(SCRIPT)
    shared = [{"campaign": training_campaign(case["training"]), "now": NOW} for case in SHARED_CASES]
    finals = [finals_documents(case) for case in FINALS_CASES]
    given = json.dumps({"trials": [documents(case) for case in CASES], "shared": shared, "finals": finals})
    completed = subprocess.run(
        ["node", str(tmp_path / "run.js")], input=given, capture_output=True, text=True, timeout=60
    )
    assert completed.returncode == 0, completed.stderr
    for found, cases in zip(json.loads(completed.stdout), (CASES, SHARED_CASES, FINALS_CASES), strict=True):
        assert found == pytest.approx([case["seconds_left"] for case in cases])


def test_the_time_left_counts_remaining_and_running_trials(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(1)
    now = datetime.now(UTC)
    assert seconds_left(*campaign_and_trials(store, recorder), now) == pytest.approx(9 * 1.5)
    recorder.campaign.progress(recorder.begin(), 10, 20, {})
    assert seconds_left(*campaign_and_trials(store, recorder), now) == pytest.approx(8.5 * 1.5)


def test_the_time_left_of_a_recorded_search_ends_with_its_device_hours(store: Store) -> None:
    recorder = Recorder(store, trials=1000, stop={"device_hours": 0.01}).run(1)
    campaign, recent = campaign_and_trials(store, recorder)
    assert seconds_left(campaign, recent, datetime.now(UTC)) == pytest.approx(36 - campaign.device_seconds)


def test_there_is_no_estimate_before_the_first_reward(store: Store) -> None:
    recorder = Recorder(store, trials=10)
    recorder.begin()
    assert seconds_left(*campaign_and_trials(store, recorder), datetime.now(UTC)) is None


def test_the_seconds_of_a_trial_are_measured_by_its_worker(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(1)
    _, trials = campaign_and_trials(store, recorder)
    assert training_seconds(trials[0]) == 1.5
