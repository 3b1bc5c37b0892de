"""A campaign with everything that the finals of a record can hold."""

from __future__ import annotations

from collections.abc import Iterator

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.finals import Finals
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import Store
from tests.support.synthetic_campaigns import Clock, reward, synthetic_spec

DATA = {"sha256": "5" * 64, "train": {"images": 3}, "reserved": {"images": 1}, "fresh_images": True}
SPEC = synthetic_spec(trials=8, retries=1, finals={"top": 2, "seeds": 2}, stop={"no_improvement_trials": 3})


def recorded_finals(store: Store, clock: Clock) -> Iterator[str]:
    """A campaign whose search ends by a condition and whose finals lose a runner, fail, are retried and completed, are
    run again with more seeds and finalists, and again after the campaign was continued. Gives its id after every step.
    """
    campaign_id = store.service.create_campaign(SPEC).id
    campaign = _claim(store, clock, campaign_id)
    while not campaign.over:
        work = _begin(campaign, clock)
        campaign.complete(work, reward(campaign, work))
    yield campaign_id
    finals = _finals(store, campaign)
    for outcome in (_rewarded(1), Failed("retry", "its worker died", "worker-killed", "the end of a log")):
        finals.complete(_begin(finals, clock), outcome)
        yield campaign_id
    _begin(finals, clock)
    finals = _finals(store, _claim(store, clock, campaign_id))  # the runner before was lost, with the training
    yield campaign_id
    finals.complete(_begin(finals, clock), Failed("give_up", "the loss is NaN", "non-finite-loss", "a log"))
    yield campaign_id
    finals.complete(_begin(finals, clock), Failed("stop", "image 17 is missing", "unreadable-image"))
    yield campaign_id
    clock.advance(30)
    store.service.request_retry(campaign_id)
    yield campaign_id
    yield from _to_the_end(store, clock, campaign_id)
    store.service.request_finals(campaign_id, {"seeds": 3, "top": 3})
    yield campaign_id
    yield from _to_the_end(store, clock, campaign_id)
    store.service.update_campaign(campaign_id, {"trials": 12, "stop": None})
    yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    while not campaign.over:
        work = _begin(campaign, clock)
        campaign.complete(work, Rewarded(0.9, {"ap": 0.9}))
    yield campaign_id
    yield from _to_the_end(store, clock, campaign_id)


def _to_the_end(store: Store, clock: Clock, campaign_id: str) -> Iterator[str]:
    clock.advance(60)
    finals = _finals(store, _claim(store, clock, campaign_id))
    for number in range(100):
        if finals.over:
            break
        finals.complete(_begin(finals, clock), _rewarded(number))
    yield campaign_id


def _rewarded(number: int) -> Rewarded:
    value = 0.25 + number / 128
    return Rewarded(value, {"ap": value, "seconds": 5.0}, DATA)


def _finals(store: Store, campaign: Campaign) -> Finals:
    return Finals(store, campaign._lease, campaign, lambda failure: False)


def _claim(store: Store, clock: Clock, campaign_id: str) -> Campaign:
    clock.advance(3)
    return Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))


def _begin(source: Campaign | Finals, clock: Clock) -> TrialWork:
    for _ in range(20):
        clock.advance(2)
        work = source.next_trial()
        if work is not None:
            return work
    raise AssertionError("nothing is left to train")
