"""Which workers are killed, and when a run is given up; on a clock of the test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nas_controller.execution import worker_watchdog
from nas_controller.execution.trial_worker import Report, WorkerId
from nas_controller.execution.worker_watchdog import WorkerHangsError, WorkerWatchdog

WORKER = WorkerId("node", 4711)


class Clock:
    """Monotonic seconds."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker_watchdog, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def _reporting(watchdog: WorkerWatchdog, clock: Clock, seconds: range, cpu_share: float, reports_each: int) -> None:
    """The worker reports at these seconds; each time, the watchdog looks."""
    for passed in seconds:
        clock.now = 1000.0 + passed
        reports = 1 + reports_each * passed
        watchdog.heartbeat("a", Report(WORKER, reports=reports, cpu_seconds=50 + cpu_share * passed))
        watchdog.kill_silent()


@pytest.mark.parametrize(
    ("cpu_share", "reports_each", "lives"),
    [(0.0, 0, False), (0.01, 0, False), (0.03, 0, True), (1.9, 0, True), (0.0, 1, True)],
    ids=["hung", "idle threads", "reads slowly", "compiles", "sleeps and reports progress"],
)
def test_a_worker_that_reports_without_progress_and_processor_time_is_killed(
    clock: Clock, cpu_share: float, reports_each: int, lives: bool
) -> None:
    """Its training waits for a hung mount, say, while the thread that reports goes on."""
    killed: list[WorkerId] = []
    watchdog = WorkerWatchdog(killed.append, starts_at_once=True)
    watchdog.begin("a")
    _reporting(watchdog, clock, range(0, 126, 2), cpu_share, reports_each)
    assert killed == []
    _reporting(watchdog, clock, range(126, 600 if lives else 128, 2), cpu_share, reports_each)
    assert killed == ([] if lives else [WORKER])
    failure = watchdog.forget("a")
    if lives:
        assert failure is None
    else:
        assert failure is not None
        assert (failure.kind, failure.reaction) == ("worker-silent", "retry")
        assert failure.error == (
            "the worker (process 4711) made no progress and used no processor for 126 s and was killed"
        )


def test_reports_that_become_rare_are_waited_for(clock: Clock) -> None:
    """After 10 hours a worker reports every 12 minutes."""
    killed: list[WorkerId] = []
    watchdog = WorkerWatchdog(killed.append, starts_at_once=True)
    watchdog.begin("a")
    watchdog.heartbeat("a", Report(WORKER, reports=1, cpu_seconds=10))
    clock.now += 36_000
    watchdog.heartbeat("a", Report(WORKER, reports=2, cpu_seconds=30_000))
    clock.now += 720
    watchdog.kill_silent()
    watchdog.heartbeat("a", Report(WORKER, reports=3, cpu_seconds=30_600))
    watchdog.kill_silent()
    assert killed == []


def test_a_worker_that_does_not_die_ends_the_run(clock: Clock) -> None:
    """Such as one in an uninterruptible wait."""
    killed: list[WorkerId] = []
    watchdog = WorkerWatchdog(killed.append, starts_at_once=False)
    watchdog.begin("a")
    watchdog.heartbeat("a", Report(WORKER))
    clock.now += 121
    watchdog.kill_silent()
    assert killed == [WORKER]
    clock.now += 60
    watchdog.kill_silent()
    clock.now += 1
    message = r"^the worker \(process 4711\) was killed and has not ended within 60 s; it may wait for a file system"
    with pytest.raises(WorkerHangsError, match=message):
        watchdog.kill_silent()
    assert killed == [WORKER]


def test_a_worker_that_never_starts_ends_the_run_unless_it_may_wait_for_resources(clock: Clock) -> None:
    local, cluster = (WorkerWatchdog(lambda worker: None, starts_at_once=at_once) for at_once in (True, False))
    for watchdog in (local, cluster):
        watchdog.begin("a")
        watchdog.begin("b")
        watchdog.heartbeat("b", Report(WORKER))
    clock.now += 300
    for watchdog in (local, cluster):
        watchdog.heartbeat("b", Report(WORKER, reports=1))
        watchdog.kill_silent()
    clock.now += 1
    cluster.kill_silent()
    with pytest.raises(WorkerHangsError, match="a worker has not started its trial within 300 s"):
        local.kill_silent()
    local.forget("a")
    local.kill_silent()
