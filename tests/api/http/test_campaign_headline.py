"""The head of a campaign's page: headline, health and phases, as node computes them from the documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nas_controller.search.estimated_values import FEWEST
from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script

ALIVE = [{"is_alive": True, "host": "laptop"}]
SEARCH = {"has_collapsed": False, "is_on_plateau": False, "sentence": "3 distinct architectures", "entropy": 0.5}
HEALTH = """
const { healthOf, isStuck, searchSentence } = await import("./campaign/health.js");
return given.map(({ campaign, search, supervisors }) => [healthOf(campaign, search, supervisors).word,
  isStuck(campaign, search), searchSentence(campaign, search)]);
"""
RATES = """
const { trialsAnHour } = await import("./campaign/health.js");
return given.map((campaign) => trialsAnHour(campaign, []));
"""
HEADLINE = """
const { bestFigure, gainFigure, timeFigure } = await import("./campaign/headline.js");
return given.map(({ campaign, best, search, isWaiting }) => [bestFigure(campaign, best), gainFigure(campaign, best?.gain, search),
  timeFigure(campaign, [], null, Date.parse("2026-11-22T16:00:00Z"), isWaiting)]);
"""  # noqa: E501
PHASES = """
const { phasesOf } = await import("./campaign/phases.js");
return given.map((campaign) => phasesOf(campaign, [], null, 0).map(({ name, state, note }) => [name, state, note]));
"""


def campaign(store: Store, **fields: Any) -> dict[str, Any]:
    """The document of a running campaign with three rewards, and `fields` instead of its own."""
    return {**Recorder(store, trials=6).run(3).record.to_dict(), **fields}


def headlines(directory: Path, *given: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The figures of best, gain and time for each."""
    found: list[list[dict[str, Any]]] = run_script(directory, HEADLINE, given)
    return found


@needs_node
def test_health_is_the_first_thing_that_is_wrong(tmp_path: Path, store: Store) -> None:
    stuck = {**SEARCH, "has_collapsed": True}
    failing = {**stuck, "is_failing": True, "failed_lately": 2, "outcomes_lately": 8}
    running, finals = campaign(store), {"state": "running"}
    random = {**running, "spec": {**running["spec"], "controller": {"algorithm": "random"}}}
    cases: list[tuple[str, bool, dict[str, Any], Any, Any]] = [
        ("Healthy", False, running, SEARCH, ALIVE),
        ("Waiting", True, running, failing, []),
        ("Waiting", True, {**running, "waiting_for": "the disk is full"}, failing, ALIVE),
        ("Failing", True, running, failing, ALIVE),
        ("Stuck", True, running, stuck, ALIVE),
        ("Healthy", False, {**running, "finals": finals}, stuck, ALIVE),
        ("Paused", True, {**running, "state": "paused", "paused_at": "2026-11-22T15:00:00Z"}, failing, []),
        ("Not started", False, {**running, "state": "draft"}, None, []),
        ("Failed", False, {**running, "state": "failed"}, failing, []),
        ("Completed", False, {**running, "state": "completed"}, failing, []),
        ("Healthy", False, random, SEARCH, ALIVE),
    ]
    names = ("campaign", "search", "supervisors")
    given = [dict(zip(names, case[2:], strict=True)) for case in cases]
    found = run_script(tmp_path, HEALTH, given)
    assert [(word, is_stuck) for word, is_stuck, _ in found] == [case[:2] for case in cases]
    assert found[0][2] == "3 distinct architectures; entropy of the policy 50.0 %."
    assert found[7][2] == ""
    assert found[-1][2] == "3 distinct architectures."


GAIN = {"trial": 7, "reward": 0.32862, "baseline_reward": 0.32537, "seeds": None, "value": 0.00325, "low": None}
NOISE = {"gain_error": 0.0086, "noise_needs": 50}


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
def test_a_noun_has_the_number_of_its_count(tmp_path: Path) -> None:
    body = 'const { counted } = await import("./format.js"); return given.map((count) => counted(count, "seed"));'
    assert run_script(tmp_path, body, [0, 1, 1200]) == ["0\u00a0seeds", "1\u00a0seed", "1,200\u00a0seeds"]


@needs_node
def test_the_headline_tells_a_confirmed_winner_from_a_highest_reward_and_has_its_margin_of_error(
    tmp_path: Path, store: Store
) -> None:
    running = campaign(store, best_reward=0.32862, baseline_reward=0.32537, best_trial=7)
    found, unknown = headlines(
        tmp_path,
        {"campaign": running, "best": {"items": [{"number": 7, "reward": 0.32862}], "gain": GAIN}, "search": NOISE},
        {"campaign": running, "best": None, "search": None, "isWaiting": True},
    )
    best, gain, _ = found
    assert (best["label"], best["value"], best["note"]) == ("Best AP", "0.329", "trial 7")
    assert gain["value"] == "+0.004"  # as 0.329 and 0.325 give; the difference is 0.00325
    assert gain["note"] == "baseline 0.325, +1\u00a0%, 95\u00a0% margin of error \u00b10.009, not confirmed"
    assert (unknown[0]["value"], unknown[2]["value"], unknown[2]["note"]) == ("\u2013", "\u2013", "waiting")


@needs_node
def test_the_headline_after_finals_is_of_one_trial_and_of_their_seeds(tmp_path: Path, store: Store) -> None:
    finals = {"state": "completed", "best": 5, "winner": 5}
    done = campaign(store, state="completed", finals=finals, best_reward=0.631, baseline_reward=0.25, best_trial=7)
    done |= {"started_at": "2026-11-22T15:00:00Z", "finished_at": "2026-11-22T15:10:00Z"}
    measured: dict[str, Any] = {"trial": 5, "reward": 0.312, "baseline_reward": 0.292, "seeds": 4, "value": 0.02}
    gain: dict[str, Any] = {**measured, "low": 0.005, "high": 0.035, "is_confirmed": True}
    best: dict[str, Any] = {"items": [{"number": 5, "reward": 0.6}], "gain": gain}
    undecided = {**best, "gain": {**gain, "is_confirmed": False}}
    uniform: dict[str, Any] = {
        "items": [{"number": 0, "reward": 0.25}],
        "gain": {**gain, "trial": 0, "reward": 0.292, "low": None},
    }
    confirmed, first, same, baseline = headlines(
        tmp_path,
        {"campaign": done, "best": best, "search": NOISE},
        {"campaign": done, "best": undecided, "search": NOISE},
        {"campaign": {**done, "best_trial": 5}, "best": best, "search": NOISE},
        {"campaign": done, "best": {**uniform, "is_confirmed": False}, "search": NOISE},
    )
    assert confirmed[0]["label"] == "AP of the confirmed winner"
    assert confirmed[0]["value"] == "0.312"  # of the finals, not the 0.6 of the search
    assert confirmed[0]["note"] == "trial 5, mean of 4\u00a0seeds; highest in the search 0.631, trial 7"
    assert confirmed[1]["value"] == "+0.020"
    assert confirmed[1]["note"] == "confirmed: baseline 0.292, 95\u00a0% +0.005 to +0.035, 4\u00a0seeds"
    assert (confirmed[2]["label"], confirmed[2]["value"]) == ("Time taken", "10 min 00 s")
    assert first[0]["label"] == "AP of the first in the finals"
    assert first[1]["note"].startswith("not confirmed: baseline 0.292")
    assert same[0]["note"] == "trial 5, mean of 4\u00a0seeds; 0.631 in the search"
    assert baseline[0]["note"].startswith("the baseline itself, mean of 4\u00a0seeds")
    assert (baseline[1]["value"], baseline[1]["note"]) == ("none", "baseline 0.292 in the finals")


@needs_node
def test_a_noise_that_is_not_known_is_said(tmp_path: Path) -> None:
    body = 'const { marginText } = await import("./gain.js");\nreturn given.map(marginText);'
    given = [{"gain_error": error, "noise_needs": FEWEST} for error in (None, 0.0086, 0.0004)]
    unknown = "not known (noise not resolved; it takes 50 architectures or more)"
    assert run_script(tmp_path, body, given) == [unknown, "\u00b10.009", "less than \u00b10.001"]


@needs_node
def test_the_time_left_of_a_search_says_that_the_finals_follow(tmp_path: Path, store: Store) -> None:
    running = campaign(store, state="running", started_at="2026-11-22T15:50:00Z")
    spec = {**running["spec"], "finals": {"top": 3, "seeds": 5}}
    shared = {"state": "running", "step": 0, "steps": 100, "worker_started_at": None}
    given = [
        running,
        {**running, "spec": spec},
        {**running, "spec": spec, "state": "stopping"},
        {**running, "spec": spec, "shared_training": shared, "trials_begun": 0},
        {**running, "spec": spec, "finals": {"state": "running", "runs": 8, "runs_finished": 2}},
    ]
    found = headlines(tmp_path, *({"campaign": each, "best": None, "search": None} for each in given))
    assert [time["note"] for _, _, time in found] == [
        "running for 10 min 00 s",
        "of the search; then the finals; running for 10 min 00 s",
        "running for 10 min 00 s",
        "of the shared weights; then the search and the finals",
        "finals",
    ]


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
        [["Search", "now", "3 / 6 trials"], ["Finals", "to come", "3\u00a0candidates, 5\u00a0seeds"]],
        [["Shared weights", "now", "step 40 / 100"], ["Search", "to come", "0 / 6 trials"]],
        [["Search", "done", "6 / 6 trials"], ["Finals", "now", "2 / 8 trainings"]],
        [["Search", "ended early", "3 / 6 trials"], ["Finals", "not run", "3\u00a0candidates, 5\u00a0seeds"]],
        [
            ["Search", "now", "3 / 6 trials"],
            ["Finals", "done", "8 / 8 trainings before it was continued, more to come"],
        ],
        [["Search", "done", "6 / 6 trials"], ["Finals", "done", "8 / 8 trainings"]],
        [["Search", "ended early", "3 / 6 trials"], ["Finals", "done", "8 / 8 trainings"]],
    ]


@needs_node
def test_where_all_trials_have_the_budget_figure_5_is_over_parameters(tmp_path: Path, store: Store) -> None:
    body = """
    const { Figures } = await import("./campaign/figures.js");
    const cards = (node) => Array.isArray(node) ? node.flatMap(cards) : node?.props?.title ? [[node.props.title, node.props.note]] : cards(node?.props?.children ?? []);
    return given.map((campaign) => Object.fromEntries(cards(Figures({ campaign, page: { path: "" } }))));
    """  # noqa: E501
    exact = campaign(store)
    paper = {**exact, "spec": {**exact["spec"], "search_space": {**exact["spec"]["search_space"], "mode": "paper"}}}
    found, other = run_script(tmp_path, body, [exact, paper])
    assert found["AP against parameters"].startswith(
        "Figure 5 of the paper, over parameters, since all have the budget's multi-adds."
    )
    assert found["AP against parameters"].endswith("The axis spans at least 20\u00a0% to either side of the baseline.")
    assert "AP against multi-adds" not in found
    assert "Figure 5" not in other["AP against parameters"]
    assert "AP against multi-adds" in other


@needs_node
def test_a_trial_of_a_failed_campaign_names_the_button_to_those_who_have_it(tmp_path: Path, store: Store) -> None:
    body = """
    const { Notice } = await import("./trial/notice.js"), { retry } = await import("./campaign/actions.js");
    const text = (node) => Array.isArray(node) ? node.map(text).join(" ") : node === null || typeof node !== "object" ? String(node ?? "")
      : typeof node.type === "function" ? text(node.type(node.props)) : text(node.props.children);
    return [retry.label(given.campaign), ...[true, false].map((mayOperate) => text(Notice({ ...given, mayOperate })))];
    """  # noqa: E501
    failed = campaign(store, state="failed")
    trial: dict[str, Any] = {"error": "the loss is NaN", "error_kind": None, "state": "running", "attempts": 1}
    trial["attempts_made"] = []
    label, notice, of_viewer = run_script(tmp_path, body, {"campaign": failed, "trial": trial})
    assert f"\u201c{label}\u201d on its page" in notice
    assert label not in of_viewer
    assert "a key of scope operate can continue it" in of_viewer
