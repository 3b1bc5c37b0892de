"""What every store must do, whatever its database; parametrised by `database_url`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nas_controller.states import TRIAL_ORDERS
from nas_controller.store import ConflictError, NotFoundError, Store, as_json
from search_space.errors import InvalidValueError
from tests.support.begun_trials import CANDIDATES, STATE, begin, claimed
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trials import trials_of


def kinds(store: Store, campaign_id: str) -> list[str]:
    return [event.kind for event in store.reads.events_after(campaign_id, 0, 1000)]


def test_a_campaign_comes_back_as_it_was_made(store: Store, clock: Clock) -> None:
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


def test_what_is_not_there_is_not_found(store: Store) -> None:
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
    assert [c.id for c in store.reads.list_campaigns(state="stopped").items] == [ids[1]]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_wrong_limits_are_refused(store: Store, limit: int) -> None:
    with pytest.raises(InvalidValueError, match=str(limit)):
        store.reads.list_campaigns(limit=limit)


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm8", "W10", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5LCA5XQ", "WzEsdHJ1ZV0", "é"]
)
def test_wrong_cursors_are_refused(store: Store, cursor: str) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    with pytest.raises(InvalidValueError, match="cursor"):
        store.reads.trial_documents(campaign.id, cursor=cursor)


def test_wrong_states_and_orders_are_refused(store: Store) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    with pytest.raises(InvalidValueError, match="sleeping"):
        store.reads.list_campaigns(state="sleeping")
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


def test_a_trial_comes_back_exactly(store: Store) -> None:
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


def as_sent(document: Any) -> Any:
    return json.loads(as_json(document))


def test_what_is_shown_is_what_the_records_say(store: Store) -> None:
    lease = claimed(store)
    for number, reward in enumerate([0.1 + 0.2, 1 / 3, None]):
        begin(store, lease, number)
        store.runner.record_progress(lease, number, 1, 10, 30, {"loss": 0.1 + 0.2}, 2 / 7)
        if reward is not None:
            store.runner.accept_reward(lease, number, 1, reward, {"ap": reward}, STATE)
    store.runner.fail_attempt(lease, 2, 1, 'it said "no"\n', error_kind="worker-killed", log_tail="\u00e9\0")
    listed = trials_of(store, lease.campaign_id, order_by="-reward", limit=2)
    shown = store.reads.trial_documents(lease.campaign_id, order_by="-reward", limit=2)
    assert as_sent(shown.items) == as_sent([trial.to_dict() for trial in listed])
    assert shown.next_cursor is not None
    best = store.reads.best_trials(lease.campaign_id, 3)
    assert as_sent(store.reads.best_trial_documents(lease.campaign_id, 3)) == as_sent(
        [trial.to_dict() for trial in best]
    )
    for trial in range(3):
        detail = store.reads.get_trial(lease.campaign_id, trial)
        one = as_sent(store.reads.trial_document(lease.campaign_id, trial))
        attempts, curve = one.pop("attempts_made"), one.pop("curve")
        assert one == as_sent(detail.trial.to_dict())
        for documents, records in ((attempts, detail.attempts), (curve, detail.curve)):
            for document, record in zip(documents, records, strict=True):
                assert document == as_sent({name: getattr(record, name) for name in document})
        assert "log_tail" in attempts[0]
        assert "values" in curve[0]


def test_reward_controller_and_event_come_in_one_transaction(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    before = store.reads.get_campaign(lease.campaign_id), store.reads.get_trial(lease.campaign_id, 0)
    with pytest.raises(ValueError, match="JSON"):
        store.runner.accept_reward(lease, 0, 1, 0.5, {}, {"not JSON": float("nan")})
    assert (store.reads.get_campaign(lease.campaign_id), store.reads.get_trial(lease.campaign_id, 0)) == before
    assert store.reads.controller_state(lease.campaign_id) is None

    acceptance = store.runner.accept_reward(lease, 0, 1, 0.5, {}, STATE)
    assert acceptance.outcome == "accepted"
    kept = store.reads.controller_state(lease.campaign_id)
    event = store.reads.events_after(lease.campaign_id)[-1]
    assert kept is not None
    assert kept.state == STATE
    assert event.kind == "trial.completed"
    assert (event.sequence, event.data["controller_sha256"]) == (kept.sequence, kept.digest)
    campaign = store.reads.get_campaign(lease.campaign_id)
    assert (campaign.trials_finished, campaign.best_reward, campaign.baseline_reward) == (1, 0.5, 0.5)


def test_the_first_finished_attempt_wins(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    lost = store.runner.fail_attempt(lease, 0, 1, "lost its worker", "worker-killed", "last words")
    assert (lost.error, lost.error_kind, lost.log_tail) == ("lost its worker", "worker-killed", "last words")
    assert store.reads.get_trial(lease.campaign_id, 0).trial.error_kind == "worker-killed"
    store.runner.start_attempt(lease, 0)
    assert store.runner.accept_reward(lease, 0, 1, 0.4, {}, STATE).outcome == "accepted"
    won = store.reads.get_trial(lease.campaign_id, 0)
    for record in (won.trial, won.attempts[0]):
        assert (record.error, record.error_kind) == (None, None)
    assert won.attempts[0].log_tail is None
    before = store.reads.get_campaign(lease.campaign_id)

    duplicate = store.runner.accept_reward(lease, 0, 1, 0.9, {}, {"other": 1})
    assert (duplicate.outcome, duplicate.trial.reward) == ("duplicate", 0.4)
    assert store.reads.get_campaign(lease.campaign_id) == before

    late = store.runner.accept_reward(lease, 0, 2, 0.9, {}, {"other": 1})
    assert (late.outcome, late.trial.reward) == ("late", 0.4)
    again = store.runner.accept_reward(lease, 0, 2, 0.9, {}, {"other": 1})
    assert again.outcome == "late"
    detail = store.reads.get_trial(lease.campaign_id, 0)
    assert [(a.state, a.reward) for a in detail.attempts] == [("accepted", 0.4), ("late", 0.9)]
    kept = store.reads.controller_state(lease.campaign_id)
    assert kept is not None
    assert kept.state == STATE
    after = store.reads.get_campaign(lease.campaign_id)
    assert (after.trials_finished, after.best_reward) == (1, 0.4)
    assert kinds(store, lease.campaign_id).count("attempt.late") == 1


@pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan"), float("inf")])
def test_rewards_outside_zero_to_one_are_refused(store: Store, reward: float) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    with pytest.raises(InvalidValueError):
        store.runner.accept_reward(lease, 0, 1, reward, {}, STATE)


def test_a_trial_given_up_has_reward_zero_and_says_why(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    failed = store.runner.fail_trial(lease, 0, "the loss is not finite", STATE, "non-finite-loss")
    assert (failed.state, failed.reward, failed.error) == ("failed", 0.0, "the loss is not finite")
    assert failed.error_kind == store.reads.get_trial(lease.campaign_id, 0).attempts[0].error_kind == "non-finite-loss"
    assert store.reads.events_after(lease.campaign_id)[-1].data["kind"] == "non-finite-loss"
    begin(store, lease, 1, reused_from=0)
    assert store.runner.accept_repeat(lease, 1, STATE).error_kind == "non-finite-loss"
    assert store.runner.fail_trial(lease, 0, "again", STATE) == failed
    assert store.reads.best_trials(lease.campaign_id) == ()
    assert store.reads.get_campaign(lease.campaign_id).best_reward is None
    with pytest.raises(ConflictError):
        store.runner.start_attempt(lease, 0)


def test_repeats_take_the_known_outcome(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    begin(store, lease, 1, reused_from=0)
    with pytest.raises(ConflictError, match="running"):
        store.runner.accept_repeat(lease, 1, STATE)
    store.runner.accept_reward(lease, 0, 1, 0.6, {"ap": 0.6}, STATE)
    repeated = store.runner.accept_repeat(lease, 1, STATE)
    assert (repeated.state, repeated.reward, repeated.attempts) == ("completed", 0.6, 0)
    assert store.runner.accept_repeat(lease, 1, {"other": 1}) == repeated
    assert [trial.number for trial in store.reads.best_trials(lease.campaign_id, 5)] == [0]
    begin(store, lease, 2)
    with pytest.raises(ConflictError, match="repeats no other"):
        store.runner.accept_repeat(lease, 2, STATE)


def test_the_best_trials_are_the_highest_and_earliest(store: Store) -> None:
    lease = claimed(store)
    for number, reward in enumerate([0.2, 0.5, 0.5, 0.1]):
        begin(store, lease, number)
        store.runner.accept_reward(lease, number, 1, reward, {}, STATE)
    assert [trial.number for trial in store.reads.best_trials(lease.campaign_id, 3)] == [1, 2, 0]
    assert store.reads.get_campaign(lease.campaign_id).best_trial == 1


def test_trial_numbers_have_no_gaps_and_no_doubles(store: Store) -> None:
    lease = claimed(store)
    with pytest.raises(ConflictError):
        begin(store, lease, 1)
    begin(store, lease, 0)
    with pytest.raises(ConflictError):
        begin(store, lease, 0)


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


def test_stopping(store: Store) -> None:
    pending = store.service.create_campaign(synthetic_spec())
    assert store.service.request_stop(pending.id).state == "stopped"
    assert store.service.request_stop(pending.id).state == "stopped"

    lease = claimed(store)
    begin(store, lease, 0)
    assert store.service.request_stop(lease.campaign_id).state == "stopping"
    assert store.service.request_stop(lease.campaign_id).state == "stopping"
    assert store.runner.renew(lease).state == "stopping"
    assert store.runner.finish_campaign(lease, "stopped").state == "stopped"
    detail = store.reads.get_trial(lease.campaign_id, 0)
    assert (detail.trial.state, detail.attempts[0].state) == ("stopped", "abandoned")
    assert kinds(store, lease.campaign_id).count("campaign.stopping") == 1

    completed = claimed(store)
    store.runner.finish_campaign(completed, "completed")
    with pytest.raises(ConflictError, match="completed"):
        store.service.request_stop(completed.campaign_id)


def test_columns_are_whole_and_in_order(store: Store) -> None:
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
