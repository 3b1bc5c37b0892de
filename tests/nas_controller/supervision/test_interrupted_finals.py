"""The finals of a campaign are paused and stopped, lose their runner, and wait; nothing that is finished is lost."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.finals_report import finals_report
from nas_controller.campaigns.replay import verify
from nas_controller.execution.worker import OnProgress, TrialProgress
from nas_controller.search.outcomes import Failed, Outcome, Rewarded
from nas_controller.store import ConflictError, Store, sqlite_url
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_WAITS
from nas_controller.supervision.supervisor import Supervisor
from tests.support.final_trainings import FINALS, TRIALS, Start, Trainer, finals_kinds, finals_of, starter
from tests.support.in_process_runner import IN_PROCESS_RUNNER
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import claimed_campaign, create, run_to_the_end
from tests.support.waiting import wait_for


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Start:
    return starter(store, tmp_path)


def endless(seed: int, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
    for _ in itertools.count():
        on_progress(TrialProgress(7, 20, {"loss": 0.5}))
        threading.Event().wait(0.01)
    raise AssertionError


@pytest.fixture
def in_training(store: Store, start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], threading.Thread]:
    """Starts a runner, and waits until the second training of the finals is at step 7."""
    monkeypatch.setattr("nas_controller.execution.trial_worker.REPORT_SECONDS", 0.01)

    def started(campaign_id: str) -> threading.Thread:
        count = itertools.count()

        def first_then_endless(*arguments: Any) -> Outcome:
            return Rewarded(0.5, {"ap": 0.5}) if next(count) == 0 else endless(*arguments)

        thread = threading.Thread(target=start, args=(campaign_id, Trainer(first_then_endless), 4))
        thread.start()
        wait_for(lambda: [run.progress_step for run in store.reads.final_runs(campaign_id)][1:] == [7], "step 7")
        return thread

    return started


def joined(thread: threading.Thread) -> None:
    thread.join(120)
    assert not thread.is_alive()


def test_an_aborting_pause_abandons_a_training_and_nothing_that_is_finished(
    store: Store, start: Start, in_training: Callable[[str], threading.Thread]
) -> None:
    campaign_id = create(store, trials=TRIALS, finals=FINALS)
    thread = in_training(campaign_id)
    store.service.request_pause(campaign_id, "abort")
    joined(thread)
    assert store.reads.get_campaign(campaign_id).state == "paused"
    assert finals_kinds(store, campaign_id)[-2:] == ["final.begun", "final.abandoned"]
    verify(store, campaign_id)
    store.service.request_resume(campaign_id)
    trainer = Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    assert len(trainer.finals) == 8
    assert sorted(run.attempts for run in store.reads.final_runs(campaign_id)) == [*[1] * 8, 2]
    verify(store, campaign_id)


def test_a_stop_ends_the_finals_and_they_can_go_on_later(
    store: Store, start: Start, in_training: Callable[[str], threading.Thread]
) -> None:
    campaign_id = create(store, trials=TRIALS, finals=FINALS)
    thread = in_training(campaign_id)
    with pytest.raises(ConflictError, match="is in its finals: `trials` can be changed after them"):
        store.service.update_campaign(campaign_id, {"trials": 50})
    store.service.request_stop(campaign_id)
    joined(thread)
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_finished) == ("stopped", TRIALS)
    assert finals_of(store, campaign_id).state == "interrupted"
    assert "1 of 9" in finals_report(store, campaign_id).verdict.sentence
    verify(store, campaign_id)

    assert store.service.request_finals(campaign_id, {}).state == "running"
    trainer = Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    assert len(trainer.finals) == 8
    record = store.reads.get_campaign(campaign_id)
    assert record.finals is not None
    assert (record.state, record.finals.state) == ("stopped", "completed")
    verify(store, campaign_id)


def test_a_lost_runner_loses_only_the_training_that_it_had(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=TRIALS, finals=FINALS)
    count = itertools.count()

    def dying(*_: Any) -> Outcome:
        if next(count) == 4:
            store.runner.release(campaign_id, "runner")  # as if another had claimed it: nothing more is written
        return Rewarded(0.5, {"ap": 0.5})

    start(campaign_id, Trainer(dying))
    assert finals_of(store, campaign_id).runs_finished == 4
    trainer = Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    assert len(trainer.finals) == 5
    assert finals_kinds(store, campaign_id).count("final.abandoned") == 1
    assert store.reads.totals().attempts_lost == 1
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_a_full_disk_is_waited_for(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=TRIALS, finals=FINALS)
    assert start(campaign_id, Trainer(lambda *_: Failed("wait", "no space left", "disk-full"))) == EXIT_WAITS
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.waiting_for) == ("running", "no space left")
    assert start(campaign_id, Trainer()) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_kill_9_of_the_runner_in_the_finals_loses_no_finished_training(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    supervisor = Supervisor(url, tmp_path, lease_seconds=8, runner_command=IN_PROCESS_RUNNER)
    with closing(Store.open(url)) as store:
        campaign_id = create(store, trials=3, finals={"top": 1, "seeds": 3, "seconds": 1.0})
        with supervising(supervisor):
            wait_for(lambda: len(store.reads.final_runs(campaign_id)) >= 3, "the third training")
            os.kill(supervisor._runners[campaign_id].pid, signal.SIGKILL)
            before = {run for run in map(str, store.reads.final_runs(campaign_id)) if "completed" in run}
            wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
            wait_for(lambda: not supervisor._runners, "the runner to end")
        assert len(before) >= 2
        after = store.reads.final_runs(campaign_id)
        assert before <= set(map(str, after))
        assert [run.state for run in after] == ["completed"] * 6
        assert finals_kinds(store, campaign_id).count("final.completed") == 6
        assert finals_kinds(store, campaign_id).count("final.abandoned") == 1
        verify(store, campaign_id)


def test_finals_that_were_stopped_after_their_last_training_still_get_their_verdict(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=3, finals={"top": 1, "seeds": 1})
    campaign = claimed_campaign(store, campaign_id)
    run_to_the_end(campaign)
    for trial in (0, finals_of(store, campaign_id).finalists[0].trial):
        store.runner.begin_final(campaign._lease, trial, 2)
        store.runner.complete_final(campaign._lease, trial, 2, 0.5, {"ap": 0.5})
    campaign.end("stopped")
    assert finals_of(store, campaign_id).state == "interrupted"
    store.service.request_finals(campaign_id, {})
    assert start(campaign_id, Trainer(), lease_seconds=1e6) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert record.finals is not None
    assert (record.state, record.finals.state) == ("stopped", "completed")
    verify(store, campaign_id)
