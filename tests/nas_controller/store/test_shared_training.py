"""The training of a campaign's shared weights, on every database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.entities import SharedTrainingDocument
from nas_controller.search.outcomes import SharedWeights
from nas_controller.store import ConflictError, Lease, LeaseLostError, Store, models
from tests.support.begun_trials import claimed
from tests.support.data_identities import data_identity
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trials import kinds

DATA = data_identity()
WEIGHTS = SharedWeights("1" * 64, "2" * 64, data=DATA)


def training_of(store: Store, lease: Lease) -> SharedTrainingDocument:
    training = store.reads.get_campaign(lease.campaign_id).shared_training
    assert training is not None
    return training


def test_a_training_that_succeeds_has_its_progress_its_digests_and_the_data(store: Store, clock: Clock) -> None:
    lease = claimed(store)
    assert store.reads.get_campaign(lease.campaign_id).shared_training is None
    began = clock.now
    store.runner.start_shared_training(lease, 20, 1.0)
    started = training_of(store, lease)
    assert started.worker_started_at is None
    clock.advance(5)  # it waits for a worker
    store.runner.record_shared_begin(lease, 0.0)
    assert training_of(store, lease).worker_started_at == clock.now
    assert (started.state, started.attempts, started.step, started.steps) == ("running", 1, 0, 20)
    assert (started.started_at, started.finished_at, started.loss, started.is_reused) == (began, None, None, None)
    store.runner.record_shared_progress(lease, 7, 0.5)
    store.runner.record_shared_progress(lease, 8, None)
    assert (training_of(store, lease).step, training_of(store, lease).loss) == (8, 0.5)

    clock.advance(10)
    store.runner.complete_shared_training(lease, WEIGHTS)
    trained = training_of(store, lease)
    assert (trained.state, trained.step, trained.is_reused) == ("completed", 20, False)
    assert (trained.identity, trained.weights_sha256, trained.finished_at) == ("1" * 64, "2" * 64, clock.now)
    campaign = store.reads.get_campaign(lease.campaign_id)
    assert (trained.seconds, campaign.device_seconds, campaign.data) == (10, 10, DATA)
    assert kinds(store, lease.campaign_id)[-3:] == [
        "shared-training.started", "campaign.identified", "shared-training.completed",
    ]  # fmt: skip
    assert store.reads.events_after(lease.campaign_id)[-1].data == {
        "attempt": 1, "identity": "1" * 64, "weights_sha256": "2" * 64, "is_reused": False,
        "data_sha256": DATA["sha256"],
    }  # fmt: skip


def test_its_time_counts_for_the_devices_that_its_worker_holds(store: Store, clock: Clock) -> None:
    lease = claimed(store)
    store.runner.start_shared_training(lease, 20, 4.0)
    store.runner.record_shared_begin(lease, 0.0)
    clock.advance(10)
    store.runner.fail_shared_training(lease, "its worker died", "worker-killed")
    store.runner.start_shared_training(lease, 20, 2.0)  # another allotment
    store.runner.record_shared_begin(lease, 0.0)
    clock.advance(5)
    store.runner.complete_shared_training(lease, WEIGHTS)
    assert (training_of(store, lease).seconds, training_of(store, lease).devices) == (15, 2.0)
    assert store.reads.get_campaign(lease.campaign_id).device_seconds == 4 * 10 + 2 * 5


def test_its_time_is_what_its_worker_tells_without_the_wait_for_the_commit(store: Store, clock: Clock) -> None:
    lease = claimed(store)
    for outcome in ("fails", "completes"):
        store.runner.start_shared_training(lease, 20, 4.0)
        store.runner.record_shared_begin(lease, 0.0)
        clock.advance(9)
        if outcome == "fails":
            store.runner.fail_shared_training(lease, "no memory", "out-of-memory", seconds=3.0)
        else:
            store.runner.complete_shared_training(lease, replace(WEIGHTS, seconds=5.0))
    assert training_of(store, lease).seconds == 3 + 5
    assert store.reads.get_campaign(lease.campaign_id).device_seconds == 4 * 8


def test_an_attempt_that_an_earlier_version_began_counts_one_trial_s_devices_and_is_replayed(
    store: Store, clock: Clock
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(resources={"gpus": 2})).id
    lease = store.runner.claim(campaign_id, "runner", 20)
    store.runner.start_shared_training(lease, 20, 4.0)
    store.runner.record_shared_begin(lease, 0.0)
    with store._database.writing() as session:
        row = session.get_one(models.Campaign, campaign_id)
        event = session.get_one(models.Event, (campaign_id, row.last_event))
        assert event.kind == "shared-training.started"
        assert row.shared_training is not None
        row.shared_training = {name: value for name, value in row.shared_training.items() if name != "devices"}
        event.data = {name: value for name, value in event.data.items() if name != "devices"}
    clock.advance(10)
    store.runner.fail_shared_training(lease, "its worker died", "worker-killed")
    assert store.reads.get_campaign(campaign_id).device_seconds == 2 * 10
    verify(store, campaign_id)


def test_a_failed_attempt_is_followed_by_another_that_has_the_progress_so_far(store: Store, clock: Clock) -> None:
    lease = claimed(store)
    store.runner.start_shared_training(lease, 20, 1.0)
    store.runner.record_shared_begin(lease, 0.0)
    store.runner.record_shared_progress(lease, 7, 0.5)
    clock.advance(4)
    store.runner.fail_shared_training(lease, "its worker died\0", "worker-killed", "last words\0")
    failed = training_of(store, lease)
    assert (failed.state, failed.error, failed.error_kind) == ("failed", "its worker died\ufffd", "worker-killed")
    assert failed.log_tail == "last words\ufffd"
    assert store.reads.totals().workers_killed == 1
    store.runner.start_shared_training(lease, 20, 1.0)
    again = training_of(store, lease)
    store.runner.record_shared_begin(lease, 0.0)
    assert (again.state, again.attempts, again.step, again.loss) == ("running", 2, 7, 0.5)
    assert (again.error, again.log_tail) == (failed.error, failed.log_tail)
    clock.advance(3)
    store.runner.complete_shared_training(lease, WEIGHTS)
    trained = training_of(store, lease)
    assert (trained.error, trained.error_kind, trained.log_tail, trained.seconds) == (None, None, None, 7)


def lose(store: Store, clock: Clock, lease: Lease) -> None:
    clock.advance(21)
    store.runner.claim(lease.campaign_id, "another", 20)


def pause(store: Store, clock: Clock, lease: Lease) -> None:
    clock.advance(5)
    store.service.request_pause(lease.campaign_id)
    store.runner.pause_campaign(lease)


def stop(store: Store, clock: Clock, lease: Lease) -> None:
    clock.advance(5)
    store.service.request_stop(lease.campaign_id)
    store.runner.finish_campaign(lease, "stopped")


def wait(store: Store, clock: Clock, lease: Lease) -> None:
    clock.advance(5)
    store.runner.wait(lease, "the disk is full", "disk-full")


@pytest.mark.parametrize(("end", "seconds", "lost"), [(lose, 20, 1), (pause, 5, 0), (stop, 5, 0), (wait, 5, 0)])
def test_an_attempt_is_abandoned_with_its_runner_by_a_pause_a_stop_and_a_wait(
    store: Store, clock: Clock, end: Callable[[Store, Clock, Lease], None], seconds: float, lost: int
) -> None:
    lease = claimed(store)
    store.runner.start_shared_training(lease, 20, 1.0)
    store.runner.record_shared_begin(lease, 0.0)
    end(store, clock, lease)
    training = training_of(store, lease)
    assert (training.state, training.attempts, training.finished_at) == ("abandoned", 1, clock.now)
    assert training.seconds == store.reads.get_campaign(lease.campaign_id).device_seconds == seconds
    assert kinds(store, lease.campaign_id).count("shared-training.abandoned") == 1
    assert store.reads.totals().attempts_lost == lost
    with pytest.raises(LeaseLostError):
        store.runner.record_shared_progress(lease, 9, 0.1)


def test_every_change_of_it_changes_the_versions_of_what_shows_it(store: Store) -> None:
    lease = claimed(store)

    def version() -> tuple[str, str, str]:
        reads = store.reads
        of_trials, of_campaign = (reads.campaign_version(lease.campaign_id, progress=each) for each in (True, False))
        return of_trials, of_campaign, reads.campaigns_version()

    versions = [version()]
    for write in (
        lambda: store.runner.start_shared_training(lease, 20, 1.0),
        lambda: store.runner.record_shared_progress(lease, 1, 0.5),
        lambda: store.runner.record_shared_progress(lease, 2, 0.5),
        lambda: store.runner.fail_shared_training(lease, "its worker died", "worker-killed"),
        lambda: store.runner.start_shared_training(lease, 20, 1.0),
        lambda: store.runner.complete_shared_training(lease, WEIGHTS),
    ):
        write()
        versions.append(version())
    for each in zip(*versions, strict=True):
        assert len(set(each)) == len(versions)


def test_there_is_one_attempt_at_a_time_and_only_a_running_one_ends(store: Store) -> None:
    lease = claimed(store)
    with pytest.raises(ConflictError, match="its shared weights are not being trained"):
        store.runner.complete_shared_training(lease, WEIGHTS)
    store.runner.start_shared_training(lease, 20, 1.0)
    with pytest.raises(ConflictError, match="its shared weights are being trained"):
        store.runner.start_shared_training(lease, 20, 1.0)
    store.runner.fail_shared_training(lease, "its worker died", "worker-killed")
    before = store.reads.get_campaign(lease.campaign_id)
    store.runner.fail_shared_training(lease, "again", "unexpected")
    store.runner.record_shared_progress(lease, 9, 0.1)
    assert store.reads.get_campaign(lease.campaign_id) == before


def test_weights_of_other_data_are_refused(store: Store) -> None:
    lease = claimed(store)
    store.runner.start_shared_training(lease, 20, 1.0)
    store.runner.complete_shared_training(lease, WEIGHTS)
    store.runner.start_shared_training(lease, 20, 1.0)
    with pytest.raises(ConflictError, match=r"its outcomes are of the data .* Restore the data set"):
        store.runner.complete_shared_training(
            lease, SharedWeights("1" * 64, "2" * 64, data=data_identity(train_boxes=3))
        )
    assert training_of(store, lease).state == "running"
