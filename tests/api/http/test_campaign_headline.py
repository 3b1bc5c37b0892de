"""The head of a campaign's page: headline, health and phases, as node computes them from the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script

ALIVE = [{"is_alive": True, "host": "laptop"}]
SEARCH = {"has_collapsed": False, "is_on_plateau": False, "sentence": "3 distinct architectures", "entropy": 0.5}
HEALTH = """
const { healthOf, isStuck, searchSentence } = await import("./campaign/health.js");
return given.map(({ campaign, recent, search, supervisors }) => [healthOf(campaign, recent, search, supervisors).word,
  isStuck(campaign, search), searchSentence(campaign, search)]);
"""
RATES = """
const { trialsAnHour } = await import("./campaign/health.js");
return given.map((campaign) => trialsAnHour(campaign, []));
"""
HEADLINE = """
const { bestFigure, gainFigure, timeFigure } = await import("./campaign/headline.js");
return given.map(({ campaign, first, report, error, isWaiting }) => [bestFigure(campaign, first), gainFigure(campaign, report, error),
  timeFigure(campaign, [], report, Date.parse("2026-11-22T16:00:00Z"), isWaiting)]);
"""  # noqa: E501
PHASES = """
const { phasesOf } = await import("./campaign/phases.js");
return given.map((campaign) => phasesOf(campaign, [], null, 0).map(({ name, state, note }) => [name, state, note]));
"""


def campaign(store: Store, **fields: Any) -> dict[str, Any]:
    """The document of a running campaign with three rewards, and `fields` instead of its own."""
    return {**Recorder(store, trials=6).run(3).record.to_dict(), **fields}


@needs_node
def test_health_is_the_first_thing_that_is_wrong(tmp_path: Path, store: Store) -> None:
    ended = [{"state": "completed", "finished_at": "2026-11-22T15:00:00Z"}] * 6
    failing = [{"state": "failed", "finished_at": "2026-11-22T15:00:00Z"}] * 2 + ended
    stuck = {**SEARCH, "has_collapsed": True}
    running, finals = campaign(store), {"state": "running"}
    cases: list[tuple[str, bool, dict[str, Any], Any, Any, Any]] = [
        ("Healthy", False, running, ended, SEARCH, ALIVE),
        ("Waits", False, running, failing, SEARCH, []),
        ("Waits", False, {**running, "waiting_for": "the disk is full"}, failing, SEARCH, ALIVE),
        ("Failing", True, running, failing, stuck, ALIVE),
        ("Stuck", True, running, ended, stuck, ALIVE),
        ("Healthy", False, {**running, "finals": finals}, ended, stuck, ALIVE),
        ("Paused", True, {**running, "state": "paused", "paused_at": "2026-11-22T15:00:00Z"}, failing, stuck, []),
        ("Not started", False, {**running, "state": "draft"}, [], None, []),
        ("Failed", False, {**running, "state": "failed"}, failing, stuck, []),
        ("Completed", False, {**running, "state": "completed"}, failing, stuck, []),
    ]
    names = ("campaign", "recent", "search", "supervisors")
    given = [dict(zip(names, case[2:], strict=True)) for case in cases]
    found = run_script(tmp_path, HEALTH, given)
    assert [(word, is_stuck) for word, is_stuck, _ in found] == [case[:2] for case in cases]
    assert found[0][2] == "3 distinct architectures; entropy of the policy 50.0 %."
    assert found[7][2] == ""


@needs_node
def test_the_mean_rate_of_trials_is_that_of_the_search_alone(tmp_path: Path, store: Store) -> None:
    ended = {
        **campaign(store), "state": "completed", "trials_finished": 200, "paused_seconds": 30.0,
        "started_at": "2026-11-22T15:00:00Z", "finished_at": "2026-11-22T15:10:30Z",
    }  # fmt: skip
    shared = {"state": "completed", "seconds": 240.0}
    finals = {"state": "completed", "started_at": "2026-11-22T15:07:00Z", "finished_at": "2026-11-22T15:10:30Z"}
    given = [
        ended,
        {**ended, "shared_training": shared},
        {**ended, "shared_training": shared, "finals": finals},
        {**ended, "finals": {**finals, "state": "interrupted", "finished_at": None}, "state": "stopped"},
        {**ended, "shared_training": {**shared, "seconds": 900.0}},
        {**ended, "started_at": None},
    ]
    assert run_script(tmp_path, RATES, given) == [1200, 2000, 4800, 200 * 3600 / 390, None, None]


@needs_node
def test_a_difference_that_rounds_to_zero_has_a_plus_as_in_the_texts_of_the_service(tmp_path: Path) -> None:
    script = 'const { signed } = await import("./format.js"); return given.map((value) => signed(value));'
    found = run_script(tmp_path, script, [-0.0004, 0.0004, -0.0006, 0, None])
    assert found == ["+0.000", "+0.000", "\u22120.001", "+0.000", "\u2013"]


@needs_node
def test_the_headline_tells_a_confirmed_winner_from_a_highest_reward_and_has_its_scatter(
    tmp_path: Path, store: Store
) -> None:
    running = campaign(store, best_reward=0.329, baseline_reward=0.325, best_trial=7)
    comparison = {"trial": 5, "mean": 0.02, "low": 0.005, "high": 0.035}
    finals = {"state": "completed", "best": 5, "winner": 5}
    done = {**running, "state": "completed", "finals": finals, "started_at": "2026-11-22T15:00:00Z"}
    done["finished_at"] = "2026-11-22T15:10:00Z"
    report = {"verdict": {"comparisons": [comparison]}}
    first = {"number": 5, "reward": 0.31}
    given = [
        {"campaign": running, "first": {"number": 7, "reward": 0.329}, "report": None, "error": 0.0086},
        {"campaign": done, "first": first, "report": report, "error": 0.0086},
        {"campaign": {**done, "finals": {**finals, "winner": None}}, "first": first, "report": report, "error": None},
        {"campaign": running, "first": None, "report": None, "error": None, "isWaiting": True},
    ]
    found = run_script(tmp_path, HEADLINE, given)
    best, gain, _ = found[0]
    assert (best["label"], best["value"], best["note"]) == ("Best AP", "0.329", "trial 7")
    assert gain["value"] == "+0.004"
    assert gain["note"] == "baseline 0.325, +1\u00a0%, scatter \u00b10.009, not confirmed"
    best, gain, time = found[1]
    assert (best["label"], best["note"]) == ("AP of the confirmed winner", "trial 5; highest 0.329, trial 7")
    assert (gain["value"], gain["note"]) == ("+0.020", "confirmed: trial 5, 95\u00a0% +0.005 to +0.035")
    assert (time["label"], time["value"]) == ("Time taken", "10 min 00 s")
    assert found[2][0]["label"] == "AP of the first in the finals"
    assert found[2][1]["note"].startswith("not confirmed")
    assert (found[3][2]["value"], found[3][2]["note"]) == ("\u2013", "it waits")


@needs_node
def test_phases_are_shown_where_there_is_more_than_a_search(tmp_path: Path, store: Store) -> None:
    search = campaign(store)
    with_finals = {**search, "spec": {**search["spec"], "finals": {"top": 3, "seeds": 5}}}
    shared = {"state": "running", "step": 40, "steps": 100, "loss": None, "is_reused": None, "worker_started_at": None}
    finals = {"state": "completed", "runs": 8, "runs_finished": 8}
    given = [
        search,
        with_finals,
        {**search, "trials_begun": 0, "trials_finished": 0, "shared_training": shared},
        {**with_finals, "finals": {"state": "running", "runs": 8, "runs_finished": 2}, "trials_finished": 6},
        {**with_finals, "state": "stopped"},
        {**with_finals, "finals": finals},
        {**with_finals, "finals": finals, "state": "completed", "trials_finished": 6},
        {**with_finals, "finals": finals, "state": "stopped"},
    ]
    assert run_script(tmp_path, PHASES, given) == [
        [],
        [["Search", "now", "3 / 6 trials"], ["Finals", "to come", "3 candidates, 5 seeds"]],
        [["Shared weights", "now", "step 40 / 100"], ["Search", "to come", "0 / 6 trials"]],
        [["Search", "done", "6 / 6 trials"], ["Finals", "now", "2 / 8 trainings"]],
        [["Search", "ended early", "3 / 6 trials"], ["Finals", "not run", "3 candidates, 5 seeds"]],
        [
            ["Search", "now", "3 / 6 trials"],
            ["Finals", "done", "8 / 8 trainings before it was continued, more to come"],
        ],
        [["Search", "done", "6 / 6 trials"], ["Finals", "done", "8 / 8 trainings"]],
        [["Search", "ended early", "3 / 6 trials"], ["Finals", "done", "8 / 8 trainings"]],
    ]
