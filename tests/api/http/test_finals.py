"""The routes of finals and of continuing: what they do, and how they refuse bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.campaigns.replay import verify
from nas_controller.execution.worker import Job, OnProgress
from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store
from tests.support.final_trainings import Start, Trainer, starter, widths_of
from tests.support.synthetic_campaigns import create


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Start:
    return starter(store, tmp_path)


class Winning(Trainer):
    """Finals in which the first finalist is better than all others with every seed."""

    def __init__(self, baseline: tuple[int, ...]) -> None:
        super().__init__(self._score)
        self._baseline = baseline
        self._winner: tuple[int, ...] | None = None

    def _score(self, seed: int, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
        if self._winner is None and widths != self._baseline:
            self._winner = widths
        reward = 0.3 + 0.001 * seed + (0.1 + 0.001 * (seed % 2) if widths == self._winner else 0.0)
        return Rewarded(reward, {"ap": reward})


def won_campaign(store: Store, start: Start, **fields: Any) -> str:
    """A campaign with a confirmed winner that is not the trial with the highest reward."""
    campaign_id = create(store, trials=6, **({"finals": {"top": 2, "seeds": 4}} | fields))

    class Synthetic(Winning):
        def __call__(self, job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
            self._baseline = job.base.widths
            return super().__call__(job, widths, on_progress)

    start(campaign_id, Synthetic(()))
    return campaign_id


def test_finals_are_read_with_their_verdict(service: TestClient, store: Store, start: Start) -> None:
    campaign_id = won_campaign(store, start)
    report = service.get(f"/v1/campaigns/{campaign_id}/finals").json()
    winner = report["verdict"]["winner"]
    assert (
        winner == report["finals"]["winner"] == service.get(f"/v1/campaigns/{campaign_id}").json()["finals"]["winner"]
    )
    assert report["verdict"]["sentence"].startswith(f"Trial {winner} is better than the uniform baseline")
    assert [each["word"] for each in report["verdict"]["comparisons"] if each["trial"] == winner] == ["better"]
    assert len(report["runs"]) == report["finals"]["runs"] == 12


def test_the_confirmed_winner_comes_first_and_is_exported(service: TestClient, store: Store, start: Start) -> None:
    campaign_id = won_campaign(store, start)
    campaign = service.get(f"/v1/campaigns/{campaign_id}").json()
    winner = campaign["finals"]["winner"]
    assert winner != campaign["best_trial"] == 0
    best = service.get(f"/v1/campaigns/{campaign_id}/best?k=3").json()
    numbers = [item["number"] for item in best["items"]]
    assert (numbers[0], len(set(numbers)), best["is_confirmed"]) == (winner, 3, True)
    exported = service.get(f"/v1/campaigns/{campaign_id}/exports/json").json()
    assert (exported["provenance"]["trial"], exported["provenance"]["is_confirmed"]) == (winner, True)
    named = service.get(f"/v1/campaigns/{campaign_id}/exports/json?trial=0").json()
    assert (named["provenance"]["trial"], named["provenance"]["is_confirmed"]) == (0, False)
    figure = service.get(f"/v1/campaigns/{campaign_id}/figures/widths").json()
    assert figure["best_number"] == winner
    assert tuple(best["items"][0]["widths"]) == widths_of(store, campaign_id, winner)


def test_an_undecided_finalist_that_ranks_first_is_the_best_and_is_said_to_be_undecided(
    service: TestClient, store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=6, finals={"top": 2, "seeds": 2})

    def lucky_last(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        finals = store.reads.get_campaign(campaign_id).finals
        assert finals is not None
        is_last = widths == widths_of(store, campaign_id, finals.finalists[-1].trial)
        reward = 0.3 + (0.01 * seed if is_last else 0.0)
        return Rewarded(reward, {"ap": reward})

    start(campaign_id, Trainer(lucky_last))
    campaign = service.get(f"/v1/campaigns/{campaign_id}").json()
    finals = campaign["finals"]
    first = finals["finalists"][-1]["trial"]
    assert (finals["winner"], finals["best"]) == (None, first)
    best = service.get(f"/v1/campaigns/{campaign_id}/best").json()
    assert ([item["number"] for item in best["items"]], best["is_confirmed"]) == ([first], False)
    assert best["sentence"].startswith(f"Trial {first} ranks first, but is not confirmed to be better than")
    exported = service.get(f"/v1/campaigns/{campaign_id}/exports/json").json()
    assert (exported["provenance"]["trial"], exported["provenance"]["is_confirmed"]) == (first, False)
    assert service.get(f"/v1/campaigns/{campaign_id}/figures/widths").json()["best_number"] == first
    verify(store, campaign_id)


def test_where_the_baseline_ranks_first_figures_show_the_best_candidate(
    service: TestClient, store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=6, finals={"top": 2, "seeds": 2})

    def uniform(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        reward = {widths_of(store, campaign_id, 0): 0.4, candidate(): 0.3}.get(widths, 0.2) + 0.01 * seed
        return Rewarded(reward, {"ap": reward})

    def candidate() -> tuple[int, ...]:
        finals = store.reads.get_campaign(campaign_id).finals
        return () if finals is None else widths_of(store, campaign_id, finals.finalists[-1].trial)

    start(campaign_id, Trainer(uniform))
    finals = service.get(f"/v1/campaigns/{campaign_id}").json()["finals"]
    compared = finals["finalists"][-1]["trial"]
    best = service.get(f"/v1/campaigns/{campaign_id}/best").json()
    assert (finals["best"], best["items"][0]["number"], best["compared"]["number"]) == (0, 0, compared)
    for name in ("widths", "shares"):
        path = f"/v1/campaigns/{campaign_id}/figures/{name}"
        assert service.get(path).json()["best_number"] == compared
        assert f"best candidate, trial {compared}" in service.get(f"{path}.svg").text
    assert best["learned"].startswith(
        "No better distribution than the uniform one was found: the finals rank the baseline first. In their best "
        f"candidate, trial {compared}: "
    )


def test_without_finals_the_best_is_not_confirmed(service: TestClient, store: Store, start: Start) -> None:
    campaign_id = create(store, trials=3)
    assert service.get(f"/v1/campaigns/{campaign_id}/finals").status_code == 404
    start(campaign_id)
    assert service.get(f"/v1/campaigns/{campaign_id}/best").json()["is_confirmed"] is False
    problem = service.get(f"/v1/campaigns/{campaign_id}/finals").json()
    assert "has no finals yet: ask for them with POST" in problem["detail"]


def test_finals_are_run_later_and_again_with_more_seeds_and_candidates(
    service: TestClient, store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=6)
    start(campaign_id)
    path = f"/v1/campaigns/{campaign_id}/finals"
    response = service.post(path, json={"top": 1, "seeds": 2})
    assert (response.status_code, response.json()["state"]) == (202, "running")
    assert response.json()["spec"]["finals"]["seeds"] == 2
    start(campaign_id)
    first = service.get(path).json()
    assert (first["finals"]["runs"], first["finals"]["seeds"]) == (4, [2, 3])

    assert service.post(path, json={"seeds": 3, "top": 2}).status_code == 202
    running = service.get(path).json()
    assert running["verdict"]["sentence"] == "The finals are running: 4 of 9 trainings are finished."
    trainer = Trainer()
    start(campaign_id, trainer)
    assert len(trainer.finals) == 5
    again = service.get(path).json()
    assert (again["finals"]["runs_finished"], again["finals"]["seeds"]) == (9, [2, 3, 4])
    assert [run for run in again["runs"] if run["seed"] == 2 and run in first["runs"]] == first["runs"][:2]
    assert service.get(f"/v1/campaigns/{campaign_id}").json()["state"] == "completed"


def test_finals_that_cannot_be_run_are_refused_with_the_reason(service: TestClient, store: Store, start: Start) -> None:
    campaign_id = create(store, trials=3)
    path = f"/v1/campaigns/{campaign_id}/finals"
    running = service.post(path, json={})
    assert running.status_code == 409
    assert (
        "is pending and cannot be given finals; only one that is stopped or completed can be"
        in running.json()["detail"]
    )
    start(campaign_id)
    assert service.post(path, json={"top": 1, "seeds": 2}).status_code == 202
    start(campaign_id)
    for body, detail in (
        ({}, "its finals are done with 1 finalists and 2 seeds; give more `seeds`, or a larger `top`"),
        ({"seeds": 3, "seconds": 1}, "its finals have been trained with no seconds"),
        ({"seeds": 3, "first_seed": 7}, "the first seed of its finals is 2 and cannot change"),
    ):
        response = service.post(path, json=body)
        assert response.status_code == 409, body
        assert detail in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"seeds": 0}, "seeds", "0 is out of range; it must be 1 to 100"),
        ({"top": "3"}, "top", "'3' is not a whole number (1 to 50)"),
        ({"first_seed": 1}, "first_seed", "that of the campaign, 1, is one of them; give 2 or more, or none"),
        ({"profile": "laptop-alone"}, "profile", "trains on a data set, but `dataset` is not given"),
        ({"profile": "big"}, "profile", "it must be one of paper, laptop"),
        ({"colour": 1}, "colour", "unknown field 'colour'"),
        ({"steps": -1}, "steps", "must be a whole number from 0"),
        ({"recipe": "paper", "steps": 9}, "steps", "unknown field 'steps'; a recipe counts in epochs: set 'epochs'"),
        ({"epochs": 9}, "epochs", "unknown field 'epochs'; did you mean 'steps'?"),
        ({"kind": "shared", "shared_steps": 5}, "profile", "finals train every architecture alone"),
    ],
)
def test_bad_fields_are_named_with_the_right_values(
    service: TestClient, store: Store, start: Start, body: dict[str, Any], field: str, message: str
) -> None:
    campaign_id = create(store, trials=3)
    start(campaign_id)
    response = service.post(f"/v1/campaigns/{campaign_id}/finals", json=body)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]
    specification = {"name": "x", "proxy_task": {"profile": "synthetic"}, "finals": body}
    (error,) = service.post("/v1/campaigns", json=specification).json()["errors"]
    assert error["field"] == f"finals.{field}"


def test_more_trials_continue_a_completed_campaign_and_its_finals(
    service: TestClient, store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=4, finals={"top": 1, "seeds": 2})
    start(campaign_id)
    path = f"/v1/campaigns/{campaign_id}"
    for patch in ({"trials": 4}, {"name": "again"}):
        refused = service.patch(path, json=patch)
        assert refused.status_code == 422
        assert "it continues with `trials` above 4, not with 4" in refused.json()["detail"]
    continued = service.patch(path, json={"trials": 9})
    assert (continued.status_code, continued.json()["state"]) == (200, "running")
    start(campaign_id)
    campaign = service.get(path).json()
    assert (campaign["state"], campaign["trials_finished"]) == ("completed", 9)
    assert campaign["finals"]["runs_finished"] == campaign["finals"]["runs"]


def test_a_campaign_that_a_stop_condition_ended_continues_with_another(
    service: TestClient, store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=20, stop={"target_reward": 1e-6})
    start(campaign_id)
    path = f"/v1/campaigns/{campaign_id}"
    assert service.get(path).json()["stopped_because"] == "target_reward"
    refused = service.patch(path, json={"trials": 30})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "stop.target_reward"
    assert service.patch(path, json={"stop": None}).json()["state"] == "running"
    start(campaign_id)
    assert service.get(path).json()["trials_finished"] == 20


def test_the_search_continues_as_if_it_had_never_ended(store: Store, start: Start) -> None:
    whole, parts = create(store, trials=9, seed=5), create(store, trials=4, seed=5)
    start(whole)
    start(parts)
    store.service.update_campaign(parts, {"trials": 9})
    start(parts)
    columns = [
        store.reads.trial_columns(each, "widths", "reward", "choices", "log_probability") for each in (whole, parts)
    ]
    assert columns[0] == columns[1]
    assert store.reads.controller_digest(whole) == store.reads.controller_digest(parts)
