"""Campaigns, trials and events are read back completely, one by one and in lists, on every database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nas_controller.states import TRIAL_ORDERS
from nas_controller.store import CampaignFilter, NotFoundError, Store, as_json
from search_space.errors import InvalidValueError
from tests.support.begun_trials import CANDIDATES, STATE, begin, claimed
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trials import kinds, trials_of


def test_a_campaign_is_read_back_as_created(store: Store, clock: Clock) -> None:
    spec = synthetic_spec(name="first", proxy_task={"profile": "synthetic", "seconds": 0.25})
    made = store.service.create_campaign(spec)
    read = store.reads.get_campaign(made.id)
    assert read == made
    assert read.spec == spec
    assert read.state == "pending"
    assert read.created_at == clock.now
    assert read.created_at.utcoffset() is not None
    assert read.to_dict()["created_at"] == "2025-01-02T03:04:05.678901Z"
    assert kinds(store, made.id) == ["campaign.created"]


def test_ids_sort_by_time_of_creation(store: Store, clock: Clock) -> None:
    ids = []
    for _ in range(5):
        ids.append(store.service.create_campaign(synthetic_spec()).id)
        clock.advance(1)
    assert ids == sorted(ids)
    assert len(set(ids)) == 5


def test_missing_campaigns_and_trials_are_not_found(store: Store) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    for read in (
        lambda: store.reads.get_campaign("c_0"),
        lambda: store.reads.trial_documents("c_0"),
        lambda: store.reads.events_after("c_0"),
        lambda: store.reads.trial_columns("c_0", "number"),
        lambda: store.reads.best_trials("c_0"),
        lambda: store.reads.controller_state("c_0"),
        lambda: store.service.request_stop("c_0"),
        lambda: store.runner.claim("c_0", "me", 1),
        lambda: store.reads.get_trial(campaign.id, 0),
        lambda: store.reads.get_trial(campaign.id, 10**30),
    ):
        with pytest.raises(NotFoundError):
            read()


def test_campaigns_are_listed_newest_first_page_by_page(store: Store, clock: Clock) -> None:
    ids = []
    for _ in range(5):
        ids.append(store.service.create_campaign(synthetic_spec()).id)
        clock.advance(1)
    store.service.request_stop(ids[1])
    first = store.reads.list_campaigns(limit=2)
    second = store.reads.list_campaigns(limit=2, cursor=first.next_cursor)
    third = store.reads.list_campaigns(limit=2, cursor=second.next_cursor)
    listed = [c.id for page in (first, second, third) for c in page.items]
    assert listed == ids[::-1]
    assert third.next_cursor is None
    assert [c.id for c in store.reads.list_campaigns(CampaignFilter(("stopped",))).items] == [ids[1]]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_invalid_limits_are_refused(store: Store, limit: int) -> None:
    with pytest.raises(InvalidValueError, match=str(limit)):
        store.reads.list_campaigns(limit=limit)


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm8", "W10", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5LCA5XQ", "WzEsdHJ1ZV0", "é"]
)
def test_invalid_cursors_are_refused(store: Store, cursor: str) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    with pytest.raises(InvalidValueError, match="cursor"):
        store.reads.trial_documents(campaign.id, cursor=cursor)


def test_invalid_states_and_orders_are_refused(store: Store) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    with pytest.raises(InvalidValueError, match="sleeping"):
        store.reads.list_campaigns(CampaignFilter(("sleeping",)))
    with pytest.raises(InvalidValueError, match="sleeping"):
        store.reads.trial_documents(campaign.id, state="sleeping")
    with pytest.raises(InvalidValueError, match="colour"):
        store.reads.trial_documents(campaign.id, order_by="colour")


def test_trials_are_listed_in_every_order_page_by_page(store: Store) -> None:
    lease = claimed(store)
    for number, reward in enumerate([0.3, 0.1, None, 0.3, 0.0]):
        begin(store, lease, number)
        if reward is not None:
            store.runner.accept_reward(lease, number, 1, reward, {"ap": reward}, STATE)
    every = {trial.number: trial for trial in trials_of(store, lease.campaign_id)}
    assert sorted(every) == [0, 1, 2, 3, 4]
    for order in TRIAL_ORDERS:
        listed, cursor = [], None
        while True:
            page = store.reads.trial_documents(lease.campaign_id, order_by=order, limit=2, cursor=cursor)
            listed += [trial["number"] for trial in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        sign, name = (-1, order[1:]) if order.startswith("-") else (1, order)

        def key(number: int, name: str = name, sign: int = sign) -> tuple[float, int]:
            value = getattr(every[number], name)
            return (float("inf") if value is None else sign * value, number)

        assert listed == sorted(every, key=key), order
    running = trials_of(store, lease.campaign_id, state="running")
    assert [trial.number for trial in running] == [2]


def test_a_trial_is_read_back_exactly(store: Store) -> None:
    lease = claimed(store)
    log_probability = -28.97 - 0.1
    candidate = CANDIDATES[1]
    store.runner.begin_trial(lease, 0, CANDIDATES[0])
    store.runner.begin_trial(lease, 1, candidate, (4, 3, 2, 1, 0) * 3 + (0, 0, 0), log_probability)
    store.runner.record_progress(lease, 1, 1, 10, 30, {"loss": 0.1 + 0.2, "rate": float("nan")})
    store.runner.record_progress(lease, 1, 1, 15, 30, {"loss": 0.3}, 2 / 7)
    store.runner.record_progress(lease, 1, 1, 20, 30, {"loss": 0.25})
    store.runner.accept_reward(lease, 1, 1, 1 / 3, {"ap": 1 / 3, "ap50": float("nan")}, STATE)
    detail = store.reads.get_trial(lease.campaign_id, 1)
    trial = detail.trial
    assert trial.widths == candidate.widths
    assert trial.betas == candidate.betas
    assert trial.alphas == candidate.alphas
    assert (trial.madds, trial.params, trial.madds_ratio) == (
        candidate.madds, candidate.params, candidate.madds_ratio,
    )  # fmt: skip
    assert trial.log_probability == log_probability
    assert trial.reward == 1 / 3
    assert trial.metrics == {"ap": 1 / 3}
    assert (trial.progress_step, trial.progress_total, trial.progress_ap) == (20, 30, 2 / 7)
    assert [point.values for point in detail.curve] == [
        {"loss": 0.1 + 0.2}, {"loss": 0.3, "ap": 2 / 7}, {"loss": 0.25},
    ]  # fmt: skip
    assert store.reads.intermediate_aps(lease.campaign_id) == ((1, 15, 2 / 7),)
    assert [(attempt.number, attempt.state) for attempt in detail.attempts] == [(1, "accepted")]
    assert store.reads.get_trial(lease.campaign_id, 0).trial.choices is None


def as_plain_json(document: Any) -> Any:
    return json.loads(as_json(document))


def test_documents_equal_the_records(store: Store) -> None:
    lease = claimed(store)
    for number, reward in enumerate([0.1 + 0.2, 1 / 3, None]):
        begin(store, lease, number)
        store.runner.record_progress(lease, number, 1, 10, 30, {"loss": 0.1 + 0.2}, 2 / 7)
        if reward is not None:
            store.runner.accept_reward(lease, number, 1, reward, {"ap": reward}, STATE)
    store.runner.fail_attempt(lease, 2, 1, 'it said "no"\n', error_kind="worker-killed", log_tail="\u00e9\0")
    listed = trials_of(store, lease.campaign_id, order_by="-reward", limit=2)
    shown = store.reads.trial_documents(lease.campaign_id, order_by="-reward", limit=2)
    assert as_plain_json(shown.items) == as_plain_json([trial.to_dict() for trial in listed])
    assert shown.next_cursor is not None
    best = store.reads.best_trials(lease.campaign_id, 3)
    assert as_plain_json(store.reads.best_trial_documents(lease.campaign_id, 3)) == as_plain_json(
        [trial.to_dict() for trial in best]
    )
    for trial in range(3):
        detail = store.reads.get_trial(lease.campaign_id, trial)
        one = as_plain_json(store.reads.trial_document(lease.campaign_id, trial))
        attempts, curve = one.pop("attempts_made"), one.pop("curve")
        assert one == as_plain_json(detail.trial.to_dict())
        for documents, records in ((attempts, detail.attempts), (curve, detail.curve)):
            for document, record in zip(documents, records, strict=True):
                assert document == as_plain_json({name: getattr(record, name) for name in document})
        assert "log_tail" in attempts[0]
        assert "values" in curve[0]


def test_the_best_trials_are_the_highest_and_earliest(store: Store) -> None:
    lease = claimed(store)
    for number, reward in enumerate([0.2, 0.5, 0.5, 0.1]):
        begin(store, lease, number)
        store.runner.accept_reward(lease, number, 1, reward, {}, STATE)
    assert [trial.number for trial in store.reads.best_trials(lease.campaign_id, 3)] == [1, 2, 0]
    assert store.reads.get_campaign(lease.campaign_id).best_trial == 1


def test_events_are_gapless_and_resumable(store: Store) -> None:
    lease = claimed(store)
    for number in range(4):
        begin(store, lease, number)
        store.runner.accept_reward(lease, number, 1, 0.1, {}, STATE)
    store.runner.finish_campaign(lease, "completed")
    every = store.reads.events_after(lease.campaign_id, 0, 1000)
    assert [event.sequence for event in every] == list(range(1, len(every) + 1))
    assert store.reads.get_campaign(lease.campaign_id).last_event == len(every)
    assert store.reads.events_after(lease.campaign_id, 3, 2) == every[3:5]
    assert store.reads.events_after(lease.campaign_id, 10**20) == ()


def test_columns_are_complete_and_ordered(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    store.runner.accept_reward(lease, 0, 1, 0.25, {}, STATE)
    begin(store, lease, 1)
    columns = store.reads.trial_columns(lease.campaign_id, "number", "reward", "widths")
    assert columns["number"] == [0, 1]
    assert columns["reward"] == [0.25, None]
    assert columns["widths"] == [list(CANDIDATES[0].widths), list(CANDIDATES[1].widths)]
    with pytest.raises(KeyError, match="spec"):
        store.reads.trial_columns(lease.campaign_id, "spec")
