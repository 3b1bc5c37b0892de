"""Exports: each is made once, by the latest attempt, whoever is killed."""

from __future__ import annotations

import pytest

from nas_controller.store import LeaseLostError, NotFoundError, Store
from nas_controller.store.exports import RETRIES
from nas_controller.store.supervisors import ALIVE_SECONDS
from tests.support.exports import export_request
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock

DIGEST = "a" * 64


@pytest.fixture
def campaign_id(store: Store) -> str:
    return Recorder(store).run(2).id


def test_an_export_is_made_once(store: Store, clock: Clock, campaign_id: str) -> None:
    requested = store.service.request_export(export_request(campaign_id))
    assert (requested.state, requested.attempts, requested.size_bytes) == ("queued", 0, None)
    assert store.service.request_export(export_request(campaign_id)) == requested
    clock.advance(1)
    claimed = store.runner.export_queue.claim("s-1")
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts, claimed.started_at) == (requested.id, "running", 1, clock.now)
    assert store.runner.export_queue.claim("s-2") is None
    store.runner.record_export_progress(claimed.id, 1, "writes the file")
    assert store.reads.get_export(claimed.id).progress == "writes the file"
    store.runner.complete_export(claimed.id, 1, 2**33, DIGEST)
    made = store.reads.find_export("1" * 64)
    assert made is not None
    assert (made.state, made.size_bytes, made.sha256, made.progress) == ("completed", 2**33, DIGEST, None)
    assert store.service.request_export(export_request(campaign_id)) == made
    assert store.reads.completed_exports() == (made,)


def test_exports_are_made_in_the_order_of_their_requests_and_listed_newest_first(
    store: Store, clock: Clock, campaign_id: str
) -> None:
    ids = []
    for key in "213":
        clock.advance(1)
        ids.append(store.service.request_export(export_request(campaign_id, key)).id)
    clock.advance(1)
    other = store.service.request_export(export_request(campaign_id, "4", trial=1)).id
    claimed = [store.runner.export_queue.claim("s-1") for _ in range(5)]
    assert [each and each.id for each in claimed] == [*ids, other, None]
    assert [each.id for each in store.reads.exports_of_trial(campaign_id, 0)] == ids[::-1]
    assert [each.id for each in store.reads.exports_of_trial(campaign_id, 1)] == [other]


def test_unknown_trials_and_exports_are_not_found(store: Store, campaign_id: str) -> None:
    for trial in (2, 2**40):
        with pytest.raises(NotFoundError, match=f"has no trial {trial}"):
            store.service.request_export(export_request(campaign_id, trial=trial))
        with pytest.raises(NotFoundError, match=f"has no trial {trial}"):
            store.reads.exports_of_trial(campaign_id, trial)
    for export_id in ("e_0", "\0", "ü"):
        with pytest.raises(NotFoundError, match="there is no export"):
            store.reads.get_export(export_id)
    assert store.reads.find_export("1" * 64) is None


def test_a_killed_process_is_followed_by_another_and_then_the_export_fails_until_it_is_requested_again(
    store: Store, campaign_id: str
) -> None:
    export_id = store.service.request_export(export_request(campaign_id)).id
    for attempt in range(1, RETRIES + 2):
        assert store.runner.export_queue.claim("s-1") is not None
        lost = store.runner.export_queue.lose(export_id, attempt, "killed\0", "last words")
        assert lost.state == ("failed" if attempt > RETRIES else "queued")
        assert (lost.error, lost.log_tail, lost.failures) == ("killed\ufffd", "last words", attempt)
    assert store.runner.export_queue.claim("s-1") is None
    again = store.service.request_export(export_request(campaign_id))
    assert (again.id, again.state, again.error, again.log_tail, again.failures) == (export_id, "queued", None, None, 0)
    store.runner.export_queue.claim("s-1")
    store.runner.fail_export(export_id, RETRIES + 2, "the format cannot express it")
    failed = store.reads.get_export(export_id)
    assert (failed.state, failed.error, failed.attempts) == ("failed", "the format cannot express it", RETRIES + 2)


def test_only_the_latest_attempt_may_write(store: Store, campaign_id: str) -> None:
    export_id = store.service.request_export(export_request(campaign_id)).id
    store.runner.export_queue.claim("s-1")
    store.runner.export_queue.release("s-2")
    assert store.reads.get_export(export_id).state == "running"
    store.runner.export_queue.release("s-1")
    released = store.reads.get_export(export_id)
    assert (released.state, released.failures) == ("queued", 0)
    with pytest.raises(LeaseLostError, match="is queued; attempt 1 at it may write no more"):
        store.runner.complete_export(export_id, 1, 1, DIGEST)
    store.runner.export_queue.claim("s-2")
    with pytest.raises(LeaseLostError, match="is running; attempt 1 at it may write no more"):
        store.runner.complete_export(export_id, 1, 1, DIGEST)
    with pytest.raises(LeaseLostError):
        store.runner.record_export_progress(export_id, 1, "late")
    with pytest.raises(LeaseLostError):
        store.runner.export_queue.lose(export_id, 1, "late", "")
    with pytest.raises(LeaseLostError):
        store.runner.fail_export(export_id, 1, "late")
    store.runner.complete_export(export_id, 2, 1, DIGEST)


def test_the_exports_of_a_supervisor_that_is_not_alive_are_queued_again(
    store: Store, clock: Clock, campaign_id: str
) -> None:
    export_id = store.service.request_export(export_request(campaign_id)).id
    store.runner.record_heartbeat("s-1", "here", 1, "0")
    store.runner.export_queue.claim("s-1")
    clock.advance(ALIVE_SECONDS)
    assert store.runner.export_queue.release_lost() == 0
    clock.advance(1)
    assert store.runner.export_queue.release_lost() == 1
    assert store.runner.export_queue.release_lost() == 0
    assert store.reads.get_export(export_id).state == "queued"
    store.runner.export_queue.claim("s-2")  # which has sent no heartbeat
    assert store.runner.export_queue.release_lost() == 1


def test_a_removed_export_is_made_again_when_it_is_requested(store: Store, campaign_id: str) -> None:
    export_id = store.service.request_export(export_request(campaign_id)).id
    store.runner.remove_export(export_id)
    assert store.reads.get_export(export_id).state == "queued"
    store.runner.export_queue.claim("s-1")
    store.runner.complete_export(export_id, 1, 1, DIGEST)
    store.runner.remove_export(export_id)
    assert store.reads.get_export(export_id).state == "removed"
    assert store.reads.completed_exports() == ()
    again = store.service.request_export(export_request(campaign_id))
    assert (again.id, again.state, again.size_bytes, again.sha256) == (export_id, "queued", None, None)
