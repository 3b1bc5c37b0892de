"""The history of a policy is that of its search, replayed once and then followed."""

from __future__ import annotations

import pytest

from nas_controller.campaigns import policy_history as module
from nas_controller.campaigns.learned_policy import learned_policy
from nas_controller.campaigns.policy_history import HistoryPendingError, policy_history, snapshot_at
from nas_controller.search.searchers import restore_searcher
from nas_controller.store import ConflictError, Store
from tests.support.recorder import Recorder


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is."""
    monkeypatch.setattr(module, "MAX_SECONDS", 600.0)


def _marginals(store: Store, campaign_id: str) -> tuple[tuple[float, ...], ...]:
    state = store.reads.controller_state(campaign_id)
    assert state is not None
    return tuple(tuple(row) for row in restore_searcher(state.state).policy_marginals())


@pytest.mark.parametrize("policy", ["factorised", "recurrent"])
def test_a_snapshot_is_the_policy_that_the_search_had(store: Store, policy: str) -> None:
    recorder = Recorder(store, trials=20, controller={"policy": policy}).run(4)
    work = recorder.begin()
    recorder.fail(work, "diverged")
    before, told = _marginals(store, recorder.id), learned_policy(store, recorder.id).told
    assert policy_history(store, recorder.id)[-1].probabilities == before
    recorder.run(8)
    history = policy_history(store, recorder.id)
    assert snapshot_at(history, told).probabilities == before
    assert history[-1].probabilities == _marginals(store, recorder.id)
    assert [each.told for each in history] == list(range(8))
    assert (history[0].entropy, history[0].advantage) == (pytest.approx(1, abs=0.01), None)


def test_a_long_history_keeps_even_snapshots_and_every_advantage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(store, trials=40, controller={"policy": "factorised"}).run(12)
    each = policy_history(store, recorder.id)
    monkeypatch.setattr(module, "MAX_SNAPSHOTS", 8)
    module._replays.put((recorder.id, recorder.record.created_at), module._Replay(recorder.record))
    recorder.run(21)
    history = policy_history(store, recorder.id)
    assert [snapshot.told for snapshot in history] == [0, 4, 8, 12, 16, 20]
    assert history[1].probabilities == each[4].probabilities
    advantages = [snapshot.advantage for snapshot in each[1:5]]
    assert history[1].advantage == pytest.approx(sum(value for value in advantages if value is not None) / 4)
    assert snapshot_at(history, 7).told == 4
    assert snapshot_at(history, 99).told == 20


def test_a_very_long_search_is_not_replayed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(store, trials=9, controller={"policy": "factorised"}).run(6)
    monkeypatch.setattr(module, "MAX_REPLAYED", 5)
    with pytest.raises(ConflictError, match="has 6 trials; the history of a policy is replayed for at most 5"):
        policy_history(store, recorder.id)


def test_a_replay_that_takes_long_goes_on_with_the_next_request(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(store, trials=9, controller={"policy": "factorised"}).run(6)
    monkeypatch.setattr(module, "MAX_SECONDS", -1.0)
    with pytest.raises(HistoryPendingError, match="Replaying the search: 0 of 6 rewards"):
        policy_history(store, recorder.id)
    monkeypatch.setattr(module, "MAX_SECONDS", 60.0)
    assert policy_history(store, recorder.id)[-1].told == 5


def test_a_search_without_a_policy_has_no_advantage(store: Store) -> None:
    recorder = Recorder(store, trials=9, controller={"algorithm": "random"}).run(4)
    history = policy_history(store, recorder.id)
    assert {each.advantage for each in history} == {None}
    assert history[-1].entropy == pytest.approx(1)


def test_outcomes_come_in_the_order_of_their_events(store: Store) -> None:
    recorder = Recorder(store, trials=9, parallelism=3).run(1)
    works = [recorder.begin() for _ in range(3)]
    for work in reversed(works):
        recorder.finish(work)
    recorder.fail(recorder.begin(), "diverged")
    rows = store.reads.outcomes_after(recorder.id)
    assert [row.number for row in rows] == [0, 3, 2, 1, 4]
    assert [row.failed for row in rows] == [False] * 4 + [True]
    assert rows[0].choices is None
    assert rows[1].choices == list(store.reads.get_trial_record(recorder.id, 3).choices or ())
    assert store.reads.outcomes_after(recorder.id, rows[2].sequence) == rows[3:]
    assert store.reads.outcomes_after(recorder.id, 0, 2) == rows[:2]
