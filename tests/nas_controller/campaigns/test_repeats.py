"""An architecture that was tried is drawn again and costs no trial; the search goes on until nothing new is left."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.proposals import (
    EXPLORE_AFTER,
    EXPLORE_OVER,
    MAX_DRAWS,
    Search,
    SpaceExhaustedError,
    exploration,
)
from nas_controller.store import Store, models
from tests.support.synthetic_campaigns import claimed_campaign, create, reward, run_to_the_end, synthetic_spec

COLLAPSING = {"policy": "factorised", "learning_rate": 1.0, "entropy_bonus": 0.0}
TINY_SPACE = {"searched_blocks": [9, 10], "choices": [1, 5]}  # three architectures: proportional ones are the same


def begun(store: Store, campaign_id: str) -> list[dict[str, Any]]:
    events = store.reads.events_after(campaign_id, 0, 1_000)
    return [event.data for event in events if event.kind == "trial.begun"]


def test_a_collapsed_policy_still_tries_a_new_architecture_in_every_trial(store: Store) -> None:
    campaign_id = create(store, trials=60, controller=COLLAPSING)
    works = run_to_the_end(claimed_campaign(store, campaign_id))
    assert len({work.widths for work in works}) == 60
    skipped = [data["repeats"] for data in begun(store, campaign_id)]
    assert all(data["draw"] >= data["repeats"] for data in begun(store, campaign_id))
    record = store.reads.get_campaign(campaign_id)
    assert record.repeats_skipped == sum(skipped) > 0
    assert record.reheated_trials == sum(repeats > EXPLORE_AFTER for repeats in skipped) > 0
    stored = store.reads.controller_state(campaign_id)
    assert stored is not None
    assert stored.state["told"] == 59  # skipped repeats teach nothing
    verify(store, campaign_id)


def test_exploration_begins_after_some_repeats_and_ends_with_random_choices() -> None:
    assert [exploration(repeats) for repeats in (0, EXPLORE_AFTER)] == [0.0, 0.0]
    assert exploration(EXPLORE_AFTER + EXPLORE_OVER // 2) == 0.5
    assert exploration(EXPLORE_AFTER + EXPLORE_OVER) == exploration(MAX_DRAWS) == 1.0


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("algorithm", ["reinforce", "evolution"])
def test_a_campaign_ends_when_nothing_new_is_left(store: Store, algorithm: str, parallelism: int) -> None:
    controller = {"algorithm": algorithm}
    campaign_id = create(store, trials=9, parallelism=parallelism, search_space=TINY_SPACE, controller=controller)
    works = run_to_the_end(claimed_campaign(store, campaign_id), parallelism=parallelism)
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.stopped_because) == ("completed", "exhausted")
    assert len(works) == record.trials_finished == len({work.widths for work in works}) < 9
    verify(store, campaign_id)


def test_nothing_is_proposed_again_before_the_next_outcome(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = create(store, trials=9, parallelism=9, search_space=TINY_SPACE)
    campaign = claimed_campaign(store, campaign_id)
    works = []
    while (work := campaign.next_trial()) is not None:
        works.append(work)
    with monkeypatch.context() as patch:
        patch.setattr(campaign._search, "propose", None)
        assert campaign.next_trial() is None
    assert not campaign.over
    for work in works:
        campaign.complete(work, reward(campaign, work))
    assert campaign.next_trial() is None
    assert campaign.over


def test_the_replay_refuses_an_end_that_was_none(store: Store) -> None:
    campaign_id = create(store, trials=9)
    campaign = claimed_campaign(store, campaign_id)
    work = campaign.next_trial()
    assert work is not None
    campaign.complete(work, reward(campaign, work))
    campaign.end("completed", because="exhausted")
    with pytest.raises(ReplayError, match="whether nothing new is left to propose"):
        verify(store, campaign_id)


@pytest.mark.parametrize("column", ["repeats_skipped", "reheated_trials"])
def test_the_replay_refuses_other_counts(store: Store, column: str) -> None:
    campaign_id = create(store, trials=3)
    run_to_the_end(claimed_campaign(store, campaign_id))
    with store._database.writing() as session:
        _campaign(session, campaign_id).__setattr__(column, 4)
    with pytest.raises(ReplayError, match=f"the campaign's {column} is 4; the replay gives 0"):
        verify(store, campaign_id)


def test_the_replay_refuses_another_number_of_skipped_repeats(store: Store) -> None:
    campaign_id = create(store, trials=3)
    run_to_the_end(claimed_campaign(store, campaign_id))
    with store._database.writing() as session:
        for event in session.query(models.Event).filter_by(kind="trial.begun"):
            event.data = {**event.data, "repeats": 1}
    with pytest.raises(ReplayError, match="trial 0: the skipped repeats is 1; the replay gives 0"):
        verify(store, campaign_id)


def test_repeats_cost_a_trial_where_that_is_asked_for() -> None:
    def widths_of(repeats: str) -> list[tuple[int, ...]]:
        controller = {"policy": "factorised", "repeats": repeats}
        search = Search(synthetic_spec(search_space=TINY_SPACE, controller=controller))
        known: set[tuple[int, ...]] = set()
        for number in range(9):
            known.add(search.propose(number, known.__contains__).candidate.widths)
        return sorted(known)

    assert len(widths_of("count")) <= 4
    with pytest.raises(SpaceExhaustedError, match="200 proposals have given no new architecture"):
        widths_of("free")


def test_repeats_are_free_unless_the_specification_says_otherwise() -> None:
    assert CampaignSpec(name="n", dataset="d").controller.repeats == "free"


def _campaign(session: Session, campaign_id: str) -> models.Campaign:
    row = session.get(models.Campaign, campaign_id)
    assert row is not None
    return row
