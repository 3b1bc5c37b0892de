"""The gain of a campaign's best: of one trial, measured in one way, with how sure it is, wherever it is shown."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.execution.worker import OnProgress
from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store
from tests.support.final_trainings import Trainer, starter, widths_of
from tests.support.recorder import Recorder
from tests.support.scripts import TEXT, needs_node, run_script
from tests.support.synthetic_campaigns import create

SHOWN = f"""{TEXT}
const {{ Best, Gain }} = await import("./campaigns/cells.js");
const {{ FinalsCard }} = await import("./campaign/finals-card.js");
const campaign = given.listed;
return [shown(Best({{ campaign }})), shown(Gain({{ campaign }})), shown(FinalsCard({{ report: given.report }}))];
"""


def in_finals(service: TestClient, store: Store, directory: Path, gain: float) -> str:
    """The id of a campaign whose finalists differ from the baseline by about `gain` in its finals."""
    campaign_id = create(store, trials=6, finals={"top": 2, "seeds": 4})

    def final(seed: int, widths: tuple[int, ...], _on_progress: OnProgress) -> Outcome:
        reward = (
            0.30005 + 0.0001 * seed + (0.0 if widths == widths_of(store, campaign_id, 0) else gain + 0.001 * (seed % 2))
        )
        return Rewarded(reward, {"ap": reward})

    starter(store, directory)(campaign_id, Trainer(final))
    return campaign_id


def test_after_finals_the_gain_and_both_aps_are_means_over_their_seeds(
    service: TestClient, store: Store, tmp_path: Path
) -> None:
    campaign_id = in_finals(service, store, tmp_path, 0.1)
    report = service.get(f"/v1/campaigns/{campaign_id}/finals").json()
    best = service.get(f"/v1/campaigns/{campaign_id}/best").json()
    (listed,) = service.get("/v1/campaigns").json()["items"]
    gain, first = best["gain"], best["items"][0]
    assert listed["summary"]["gain"] == gain

    def mean(number: int) -> float:
        return fmean(run["reward"] for run in report["runs"] if run["trial"] == number)

    assert (gain["trial"], gain["seeds"], gain["is_confirmed"]) == (report["verdict"]["winner"], 4, True)
    assert gain["reward"] == pytest.approx(mean(gain["trial"])) != first["reward"]
    assert gain["baseline_reward"] == pytest.approx(mean(0)) == report["verdict"]["baseline_reward"]
    assert gain["value"] == pytest.approx(gain["reward"] - gain["baseline_reward"])
    (found,) = (each for each in report["verdict"]["comparisons"] if each["trial"] == gain["trial"])
    assert (found["reward"], found["baseline_reward"], found["low"]) == (
        gain["reward"],
        gain["baseline_reward"],
        gain["low"],
    )
    assert report["verdict"]["baseline_seeds"] == 4
    assert f"(trial {gain['trial']}, confirmed by finals)" in best["learned"]


def test_where_finals_rank_the_baseline_first_its_ap_is_that_of_the_finals(
    service: TestClient, store: Store, tmp_path: Path
) -> None:
    campaign_id = in_finals(service, store, tmp_path, -0.1)
    gain = service.get(f"/v1/campaigns/{campaign_id}/best").json()["gain"]
    verdict = service.get(f"/v1/campaigns/{campaign_id}/finals").json()["verdict"]
    assert (gain["trial"], gain["value"], gain["seeds"], gain["is_confirmed"]) == (0, 0.0, 4, False)
    assert gain["reward"] == gain["baseline_reward"] == verdict["baseline_reward"]


def test_before_finals_the_gain_is_of_single_rewards(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=4)
    assert service.get(f"/v1/campaigns/{recorder.id}/best").json()["gain"] is None
    record = recorder.run(4).record
    best = service.get(f"/v1/campaigns/{recorder.id}/best").json()
    gain = best["gain"]
    assert (gain["trial"], gain["seeds"], gain["low"]) == (record.best_trial, None, None)
    assert (gain["reward"], gain["baseline_reward"]) == (record.best_reward, record.baseline_reward)


@needs_node
def test_the_list_and_the_finals_card_show_the_aps_of_the_finals(
    tmp_path: Path, service: TestClient, store: Store
) -> None:
    campaign_id = in_finals(service, store, tmp_path / "finals", 0.0008)
    (listed,) = service.get("/v1/campaigns?include=search").json()["items"]
    report = service.get(f"/v1/campaigns/{campaign_id}/finals").json()
    best, gain, card = run_script(tmp_path / "node", SHOWN, {"listed": listed, "report": report})
    shown: dict[str, Any] = listed["summary"]["gain"]
    own, other = f"{shown['reward']:.3f}", f"{shown['baseline_reward']:.3f}"
    assert best == f"{own} baseline {other} mean of 4 seeds"
    difference = f"{float(own) - float(other):+.3f}"
    assert difference != f"{shown['value']:+.3f}"  # or the test cannot tell which is shown
    assert gain.startswith(difference)
    assert f"{own} 4 {difference}" in card
    assert f"0 \u2013 {other} 4 \u2013 \u2013 \u2013 baseline" in card


FACTS = f"""{TEXT}
const {{ Facts }} = await import("./trial/facts.js");
return given.map((props) => shown(Facts(props)));
"""


@needs_node
def test_a_trial_stands_with_the_verdict_of_its_finals_or_with_its_noise(
    tmp_path: Path, service: TestClient, store: Store
) -> None:
    campaign_id = in_finals(service, store, tmp_path / "finals", 0.1)
    path = f"/v1/campaigns/{campaign_id}"
    campaign, report = service.get(path).json(), service.get(f"{path}/finals").json()
    finalists = [each["trial"] for each in report["verdict"]["comparisons"]]
    other = next(number for number in range(1, 6) if number not in finalists)
    winner = report["verdict"]["winner"]
    baseline = service.get(f"{path}/trials/0").json()
    trials = {number: service.get(f"{path}/trials/{number}").json() for number in (winner, other)}
    search = {"gain_error": 0.0086, "noise_needs": 50}
    of_all: dict[str, Any] = {"campaign": campaign, "report": report, "search": search}
    given = [
        {**of_all, "trial": trials[winner], "baseline": baseline},
        {**of_all, "trial": trials[other], "baseline": baseline},
        {**of_all, "trial": baseline, "baseline": None},
        {**of_all, "trial": trials[winner], "baseline": baseline, "report": None},
    ]
    won, lost, uniform, before = run_script(tmp_path / "node", FACTS, given)
    (found,) = (each for each in report["verdict"]["comparisons"] if each["trial"] == winner)
    assert won.startswith(f"AP in the finals {found['reward']:.3f} +0.10")
    assert f"95 % {found['low']:+.3f} to {found['high']:+.3f}, 4 seeds: confirmed winner AP in the search" in won
    assert "not confirmed" not in won
    assert uniform.startswith(f"AP in the finals {report['verdict']['baseline_reward']:.3f} mean of 4 seeds")
    for text in (lost, before):
        assert text.startswith("AP 0.")
        assert "against the baseline, 95 % margin of error \u00b10.009, not confirmed" in text


MARGIN = "95\u00a0% margin of error"
ROWS = f"""{TEXT}
const {{ TRIAL_ROWS, CAMPAIGN_ROWS }} = await import("./compare/rows.js");
const {{ paramsFigure }} = await import("./campaign/headline.js");
const texts = (rows, subject) => Object.fromEntries(rows.map(([label, text]) => [label, text(subject)]));
return [...given.trials.map((subject) => texts(TRIAL_ROWS, subject)), texts(CAMPAIGN_ROWS, given.campaign),
  paramsFigure(given.campaign.campaign, given.campaign.best.items[0], null).note];
"""


@needs_node
@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_compared_trials_have_their_margin_of_error_and_the_budget_only_where_it_says_something(
    tmp_path: Path, service: TestClient, store: Store, mode: str
) -> None:
    recorder = Recorder(store, trials=3, search_space={"mode": mode}).run(3)
    path = f"/v1/campaigns/{recorder.id}"
    campaign, best = service.get(path).json(), service.get(f"{path}/best").json()
    search = service.get(f"{path}/figures/search").json()
    of_all = {"campaign": campaign, "search": search, "report": None}
    trials = [{**of_all, "trial": service.get(f"{path}/trials/{number}").json()} for number in (0, 1)]
    given = {"trials": trials, "campaign": {**of_all, "best": best}}
    baseline, sampled, whole, params = run_script(tmp_path, ROWS, given)
    assert (baseline[MARGIN], baseline["Verdict"]) == ("\u2013", "the uniform baseline")
    assert sampled[MARGIN] == f"not known (noise not resolved; it takes {search['noise_needs']} architectures or more)"
    assert (sampled["AP in the finals"], sampled["Verdict"]) == ("\u2013", "not confirmed")
    says_budget = mode != "exact"
    assert ("of the budget" in sampled["Multi-adds"]) == says_budget
    assert ("of the budget" in whole["Its multi-adds"]) == says_budget
    assert ("of the budget" in params) == says_budget
