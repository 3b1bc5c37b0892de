"""A campaign to which everything happens that a record can hold."""

from __future__ import annotations

from collections.abc import Iterator

from nas_controller.campaigns.campaign import Campaign
from nas_controller.search.outcomes import Failed, Rewarded, SharedWeights, TrialWork
from nas_controller.store import Lease, Store
from tests.support.synthetic_campaigns import Clock, reward, synthetic_spec

DATA = {"sha256": "5" * 64, "train": {"images": 3}, "reserved": {"images": 1}}
SPEC = synthetic_spec(
    trials=20,
    retries=3,
    seed=8,
    search_space={"choices": [1, 2, 5], "searched_blocks": [8, 10, 12]},
    controller={"policy": "factorised", "repeats": "count"},
)
"""Of so few architectures that some come again."""


def recorded_steps(store: Store, clock: Clock) -> Iterator[str]:
    """A campaign with everything that a record can hold: it was a draft, was changed, has trained shared weights,
    paused, waited, lost a runner, failed, was retried, and has failed again with a trial in training. Gives its id
    after every step.
    """
    campaign_id = store.service.create_campaign(SPEC, draft=True).id
    yield campaign_id
    clock.advance(1)
    store.service.update_campaign(campaign_id, {"name": "second name"})
    yield campaign_id
    clock.advance(1)
    store.service.start_campaign(campaign_id)
    yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    yield campaign_id
    for _ in _shared_training(store, clock, campaign_id, campaign._lease):
        yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    work = _begin(campaign, clock)
    yield campaign_id
    campaign.complete(work, Failed("retry", "its worker died", "worker-killed", "the end of a log"))
    yield campaign_id
    _finish(campaign, clock, _begin(campaign, clock))
    _finish(campaign, clock, _begin(campaign, clock))
    lost = _begin(campaign, clock)
    campaign = _claim(store, clock, campaign_id)  # the runner before was lost, with the attempt
    yield campaign_id
    _finish(campaign, clock, _begin(campaign, clock))
    _finish(campaign, clock, lost)  # its result comes late
    yield campaign_id
    campaign.complete(_begin(campaign, clock), Failed("give_up", "the loss is NaN", "non-finite-loss", "a log"))
    store.service.update_campaign(campaign_id, {"retries": 4, "share": 2})
    store.service.request_pause(campaign_id)
    yield campaign_id
    clock.advance(4)
    store.runner.pause_campaign(campaign._lease)
    yield campaign_id
    clock.advance(60)
    store.service.request_resume(campaign_id)
    yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    _begin(campaign, clock)
    store.runner.wait(campaign._lease, "data set 'digits' is away", "data-away")
    yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    yield campaign_id
    again = _begin(campaign, clock)
    campaign.complete(again, Failed("stop", "image 17 is missing", "unreadable-image", data=DATA))
    yield campaign_id
    clock.advance(30)
    store.service.request_retry(campaign_id)
    yield campaign_id
    campaign = _claim(store, clock, campaign_id)
    _finish(campaign, clock, _begin(campaign, clock))
    _finish(campaign, clock, _begin(campaign, clock))
    clock.advance(2)
    campaign.complete(_begin(campaign, clock), Failed("stop", "image 18 is missing", "unreadable-image", data=DATA))
    yield campaign_id


def _shared_training(store: Store, clock: Clock, campaign_id: str, lease: Lease) -> Iterator[None]:
    """An attempt that fails, one that is lost with its runner, and one that succeeds."""
    store.runner.start_shared_training(lease, 20, 1.0)
    yield
    clock.advance(5)
    store.runner.record_shared_progress(lease, 7, 0.5)
    store.runner.fail_shared_training(lease, "its worker died", "worker-killed", "the end of a log")
    yield
    clock.advance(1)
    store.runner.start_shared_training(lease, 20, 1.0)
    clock.advance(6)
    lease = _claim(store, clock, campaign_id)._lease
    yield
    store.runner.start_shared_training(lease, 20, 1.0)
    clock.advance(7)
    store.runner.complete_shared_training(lease, SharedWeights("1" * 64, "2" * 64, data=DATA))
    yield


def _claim(store: Store, clock: Clock, campaign_id: str) -> Campaign:
    clock.advance(3)
    return Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))


def _begin(campaign: Campaign, clock: Clock) -> TrialWork:
    for _ in range(20):
        clock.advance(2)
        work = campaign.next_trial()
        if work is not None:
            return work
    raise AssertionError("nothing is left to train")


def _finish(campaign: Campaign, clock: Clock, work: TrialWork) -> None:
    clock.advance(5)
    found = reward(campaign, work)
    campaign.complete(work, Rewarded(found.reward, {**found.metrics, "seconds": 5.0}, DATA))
