"""A campaign fails once too many of its trials were given up, with the outcome that reaches the limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.search.proposals import Search, TrialProposal
from nas_controller.store import Store
from search_space.space import Widths
from tests.support.synthetic_campaigns import claimed_campaign, create, synthetic_spec
from tests.support.trials import kinds, trials_of

DIVERGED = Failed("give_up", "the loss is not finite", "non-finite-loss")
GOOD = Rewarded(0.5, {"ap": 0.5})
HARDLY_LEARNS = {"policy": "factorised", "learning_rate": 1e-9, "repeats": "count"}


def work_of(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    return work


def outcomes(campaign: Campaign, text: str) -> None:
    """Finishes one trial for each letter: `x` is given up, any other gets a reward."""
    for letter in text:
        assert not campaign.over
        campaign.complete(work_of(campaign), DIVERGED if letter == "x" else GOOD)


def test_five_failures_in_a_row_fail_the_campaign_with_the_fifth(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=100, controller=HARDLY_LEARNS))
    outcomes(campaign, "..xxxx.xxxxx")
    assert campaign.over
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "too-many-failures", 12)
    assert record.error == (
        "5 trials in a row have failed, the limit `max_consecutive_failures`; "
        "the last error, of trial 11: the loss is not finite"
    )
    assert kinds(store, record.id)[-2:] == ["trial.failed", "campaign.failed"]
    assert store.reads.events_after(record.id, 0, 1000)[-1].data == {"error": record.error, "kind": "too-many-failures"}
    assert verify(store, record.id).trials_finished == 12


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"trials": 20}, ".x.x.x.x.x"),  # a tenth of 20 is 2, but 5 are the least
        ({"trials": 70}, ".x.x.x.x.x.x.x"),
        ({"trials": 70, "max_failures": 2}, ".x..x"),
        ({"trials": 70, "max_failures": 1}, "...x"),
        ({"trials": 70, "max_consecutive_failures": 2}, ".x.x.xx"),
        ({"trials": 70, "max_failures": 9, "max_consecutive_failures": 9}, ".xxxxxxxxx"),
    ],
)
def test_the_limits_of_a_specification(store: Store, fields: dict[str, int], text: str) -> None:
    campaign = claimed_campaign(store, create(store, controller=HARDLY_LEARNS, **fields))
    outcomes(campaign, text)
    assert store.reads.get_campaign(campaign.record.id).error_kind == "too-many-failures"


def test_trials_in_training_are_stopped_with_the_campaign(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=20, parallelism=3, max_failures=1))
    outcomes(campaign, ".")
    failing, _, late = work_of(campaign), work_of(campaign), work_of(campaign)
    campaign.complete(failing, DIVERGED)
    campaign.complete(late, GOOD)  # comes too late to count
    states = [trial.state for trial in trials_of(store, campaign.record.id)]
    assert states == ["completed", "failed", "stopped", "stopped"]


def test_repeats_of_a_failed_architecture_do_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Search.propose

    def propose(search: Search, number: int, is_known: Callable[[Widths], bool]) -> TrialProposal:
        return honest(search, min(number, 1), is_known)

    monkeypatch.setattr(Search, "propose", propose)
    campaign = claimed_campaign(store, create(store, trials=12, max_failures=2, controller=HARDLY_LEARNS))
    outcomes(campaign, ".x")
    assert campaign.next_trial() is None  # all others repeat trial 1
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.trials_finished) == ("completed", 12)
    assert [trial.state for trial in trials_of(store, record.id)] == ["completed"] + 11 * ["failed"]


def test_a_limit_that_was_lowered_below_the_count_ends_the_campaign_with_the_next_failure(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=50, controller=HARDLY_LEARNS))
    outcomes(campaign, ".x.x.x.")
    changed = store.service.update_campaign(campaign.record.id, {"max_failures": 2})
    assert changed.spec.max_failures == 2
    outcomes(campaign, ".x")
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.error_kind) == ("failed", "too-many-failures")
    assert (record.error or "").startswith("4 trials have failed, the limit (`max_failures`)")


def test_a_failure_beyond_the_limit_matters_more_than_a_stop_condition(store: Store) -> None:
    spec = {"stop": {"no_improvement_trials": 1}, "max_failures": 1}
    campaign = claimed_campaign(store, create(store, trials=20, **spec))
    outcomes(campaign, ".x")
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.stopped_because) == ("failed", None)


@pytest.mark.parametrize("name", ["max_failures", "max_consecutive_failures"])
def test_a_limit_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        synthetic_spec(**{name: 0})
    assert caught.value.errors()[0]["loc"] == (name,)
