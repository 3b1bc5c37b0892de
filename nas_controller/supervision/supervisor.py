"""Sees to it that every campaign that wants a runner has one: starts them, restarts them, gives up on them.

It keeps nothing that matters: which campaigns want a runner is in the store, and a lease there keeps two
supervisors from running one campaign twice. A runner ends by itself when its supervisor dies, since its
standard input closes; while it lives, it hears there how many workers it may have.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from nas_controller.execution.session_directory import remove_session_folder
from nas_controller.execution.trial_checkpoints import campaigns_with_a_folder, remove_campaign_folder
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from nas_controller.store import (
    CampaignRecord,
    ConflictError,
    LeaseLostError,
    NotFoundError,
    Store,
    StoreUnavailableError,
)
from nas_controller.supervision.cluster_node import ClusterNode
from nas_controller.supervision.fair_shares import Allotment, Demand, allot
from nas_controller.supervision.runner_protocol import (
    DATABASE_URL_VARIABLE,
    EXIT_DONE,
    EXIT_MUST_WAIT,
    EXIT_NOT_OURS,
    LEASE_SECONDS,
)
from nas_controller.supervision.supervisor_heartbeat import SupervisorHeartbeat

logger = logging.getLogger(__name__)

CAMPAIGNS_AT_ONCE = 4
POLL_SECONDS = 0.5
MAX_RESTARTS = 3
FIRST_BACKOFF_SECONDS = 1.0
SHUTDOWN_SECONDS = 15.0
STALLED_SECONDS = 60.0  # a runner needs some seconds to start before it has its first lease
LOG_TAIL_LINES = 30
WAIT_SECONDS = 2.0

_NEED_NO_WORKERS = ("pausing", "stopping")


@dataclass
class _Runner:
    """A runner process, and what was known of its campaign when it was started."""

    campaign_id: str
    owner: str
    process: subprocess.Popen[bytes]
    trials_finished: int
    allotment: Allotment
    without_lease_since: float | None = None


@dataclass
class _History:
    """How a campaign's runners have fared since one of them last finished a trial."""

    failures: int = 0
    trials_finished: int = 0
    not_before: float = 0.0


@dataclass
class Supervisor:
    """Runs campaigns of the store at `database_url`, `campaigns_at_once` at most, the oldest first.

    They share `max_parallelism` workers by `nas_controller.supervision.fair_shares`: None is as many as this machine
    has processors, or as the one wants that wants most; on the Ray cluster at `ray_address`, as many as they want. A
    campaign for which no worker is left waits.

    Logs go to `<data_dir>/logs/<campaign id>.log`. A runner that fails is started again after 1, 2, 4
    seconds; after MAX_RESTARTS failures without a finished trial in between, the campaign is marked failed
    with the end of its log. One that ends because the store is away or a disk is full, or while this machine's node in
    the cluster is new, has not failed: nothing is started for WAIT_SECONDS, then it is tried again, for as long as it
    takes.
    """

    database_url: str
    data_dir: Path
    campaigns_at_once: int = CAMPAIGNS_AT_ONCE
    max_parallelism: int | None = None
    ray_address: str | None = None
    lease_seconds: float = LEASE_SECONDS
    runner_command: tuple[str, ...] = (sys.executable, "-m", "nas_controller.supervision.runner")
    _runners: dict[str, _Runner] = field(default_factory=dict)
    _histories: dict[str, _History] = field(default_factory=dict)
    _not_before: float = 0.0
    _node: ClusterNode | None = None

    def run(self, stop: threading.Event) -> None:
        """Supervises until `stop` is set, then stops its runners; their campaigns go on at the next start.

        Raises what `Store.open` raises. A store that goes away later is waited for, and so is a machine on which no
        runner can be started.
        """
        store = Store.open(self.database_url)
        if self.ray_address is not None:
            self._node = ClusterNode(self.ray_address, log_path(self.data_dir, "ray-node"))
        heartbeat = SupervisorHeartbeat()
        trouble = ""
        try:
            with suppress(StoreUnavailableError):
                remove_finished(store, self.data_dir)
            while not stop.is_set():
                try:
                    if self._node is not None:
                        self._node.look_after()
                    self._look_after(store)
                    heartbeat.beat(store)
                    trouble = ""
                except (StoreUnavailableError, OSError) as error:
                    if str(error) != trouble:  # once, not with every look
                        trouble = str(error)
                        logger.warning("%s", trouble)
                stop.wait(POLL_SECONDS)
        finally:
            self._stop_runners(store)
            if self._node is not None:
                self._node.stop()
            heartbeat.end(store)
            store.close()

    def _look_after(self, store: Store) -> None:
        for runner in list(self._runners.values()):
            status = runner.process.poll()
            if status is not None:
                del self._runners[runner.campaign_id]
                self._bury(store, runner, status)
        wanting = store.runner.runnable_campaigns()
        self._end_stalled({campaign.id for campaign in wanting})
        running = [store.reads.get_campaign(campaign_id) for campaign_id in self._runners]
        waiting = self._startable(wanting)[: max(0, self.campaigns_at_once - len(running))]
        allotments = self._allotments(sorted([*running, *waiting], key=lambda campaign: campaign.id))
        for runner in self._runners.values():
            self._tell(runner, allotments[runner.campaign_id])
        for campaign in waiting:
            if allotments[campaign.id].parallelism > 0 or campaign.state in _NEED_NO_WORKERS:
                self._start(campaign, allotments[campaign.id])

    def _end_stalled(self, wanting: set[str]) -> None:
        """Kills runners that live and have had no lease for STALLED_SECONDS, as one does that is frozen."""
        now = time.monotonic()
        for runner in self._runners.values():
            if runner.campaign_id not in wanting:
                runner.without_lease_since = None
            elif runner.without_lease_since is None:
                runner.without_lease_since = now
            elif now - runner.without_lease_since > STALLED_SECONDS:
                logger.warning(
                    "campaign %s: runner %d is stalled and is killed", runner.campaign_id, runner.process.pid
                )
                _kill_group(runner.process.pid)

    def _startable(self, wanting: Sequence[CampaignRecord]) -> list[CampaignRecord]:
        """Those that may have a runner now."""
        now = time.monotonic()
        if now < self._not_before:
            return []
        idle = [campaign for campaign in wanting if campaign.id not in self._runners]
        return [each for each in idle if now >= self._histories.get(each.id, _History()).not_before]

    def _allotments(self, campaigns: Sequence[CampaignRecord]) -> dict[str, Allotment]:
        """What each of these campaigns gets, all of them being run."""
        demands = [
            Demand(each.id, 0 if each.state in _NEED_NO_WORKERS else each.spec.parallelism, each.spec.share)
            for each in campaigns
        ]
        processors = len(os.sched_getaffinity(0))
        wanted = [demand.parallelism for demand in demands]
        if self.max_parallelism is not None:
            slots = self.max_parallelism
        elif self.ray_address is not None:
            slots = sum(wanted)
        else:
            slots = max([processors, *wanted])
        given = allot(demands, slots)
        threads = max(1, processors // max(1, sum(given.values())))
        return {campaign_id: Allotment(workers, threads) for campaign_id, workers in given.items()}

    def _tell(self, runner: _Runner, allotment: Allotment) -> None:
        """Tells a runner what it may have from now on; it keeps at least one worker as long as it runs."""
        allotment = replace(allotment, parallelism=max(1, allotment.parallelism))
        if allotment != runner.allotment and runner.process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, which the next look finds
                runner.process.stdin.write(allotment.to_line())
                runner.process.stdin.flush()
            runner.allotment = allotment

    def _start(self, campaign: CampaignRecord, allotment: Allotment) -> None:
        owner = f"supervisor-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        command = [
            *self.runner_command,
            campaign.id,
            *("--data-dir", str(self.data_dir)),
            *("--owner", owner, "--lease-seconds", str(self.lease_seconds), "--watch-stdin"),
            *("--allotment", allotment.to_line().decode().strip()),
            *(() if self.ray_address is None else ("--ray-address", self.ray_address)),
        ]
        log = log_path(self.data_dir, campaign.id)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # allotments; it closes when this process dies
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, DATABASE_URL_VARIABLE: self.database_url},  # its password is in no list of processes
                start_new_session=True,  # so that its whole group can be ended, and Ctrl-C reaches us alone
            )
        self._runners[campaign.id] = _Runner(campaign.id, owner, process, campaign.trials_finished, allotment)
        logger.info("campaign %s: runner %d started, log in %s", campaign.id, process.pid, log)

    def _bury(self, store: Store, runner: _Runner, status: int) -> None:
        """Cleans up behind a runner that has ended, and decides whether its campaign gets another."""
        _kill_group(runner.process.pid)
        _close_stdin(runner.process)
        remove_session_folder(runner.campaign_id, runner.process.pid)
        campaign_id = runner.campaign_id
        logger.info("campaign %s: runner %d ended with status %d", campaign_id, runner.process.pid, status)
        with suppress(StoreUnavailableError):  # then its lease expires
            store.runner.release(campaign_id, runner.owner)
            remove_finished(store, self.data_dir)
        if status in (EXIT_DONE, EXIT_NOT_OURS):
            self._histories.pop(campaign_id, None)
            return
        if status == EXIT_MUST_WAIT or (self._node is not None and not self._node.is_settled):
            self._not_before = time.monotonic() + WAIT_SECONDS
            return
        history = self._histories.setdefault(campaign_id, _History(trials_finished=runner.trials_finished))
        finished = store.reads.get_campaign(campaign_id).trials_finished
        if finished > history.trials_finished:
            history.failures = 0
            history.trials_finished = finished
        history.failures += 1
        if history.failures > MAX_RESTARTS:
            del self._histories[campaign_id]
            self._give_up(store, campaign_id, status)
        else:
            history.not_before = time.monotonic() + FIRST_BACKOFF_SECONDS * 2 ** (history.failures - 1)

    def _give_up(self, store: Store, campaign_id: str, status: int) -> None:
        tail = log_tail(self.data_dir, campaign_id)
        error = (
            f"the runner has ended {MAX_RESTARTS + 1} times without finishing a trial, the last time with "
            f"status {status}; its log ends with:\n{tail}"
        )
        logger.error("campaign %s: %s", campaign_id, error)
        with suppress(ConflictError, LeaseLostError):  # somebody else has it, or it is finished
            lease = store.runner.claim(campaign_id, f"supervisor-{os.getpid()}", self.lease_seconds)
            store.runner.finish_campaign(lease, "failed", error)
            remove_campaign_folder(self.data_dir, campaign_id)

    def _stop_runners(self, store: Store) -> None:
        """Ends all runners: asked first, killed after SHUTDOWN_SECONDS."""
        runners = list(self._runners.values())
        for runner in runners:
            _close_stdin(runner.process)
            with suppress(ProcessLookupError):
                runner.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for runner in runners:
            try:
                runner.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                runner.process.kill()
                runner.process.wait()
            _kill_group(runner.process.pid)
            remove_session_folder(runner.campaign_id, runner.process.pid)
            with suppress(StoreUnavailableError):
                store.runner.release(runner.campaign_id, runner.owner)
        self._runners.clear()


def log_path(data_dir: Path, campaign_id: str) -> Path:
    """Where the runners of a campaign write what they have to say."""
    return data_dir / "logs" / f"{campaign_id}.log"


def log_tail(data_dir: Path, campaign_id: str, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a campaign's log; empty when there is none."""
    try:
        with log_path(data_dir, campaign_id).open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""


def _kill_group(leader: int) -> None:
    """Ends what a runner may have left behind: it was the leader of a group of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def remove_finished(store: Store, data_dir: Path) -> None:
    """Removes the checkpoints that campaigns have left which are over, as a runner does that is killed just after the
    last trial.

    Raises StoreUnavailableError.
    """
    for campaign_id in campaigns_with_a_folder(data_dir):
        with suppress(NotFoundError):  # of another record; it may go on
            if store.reads.get_campaign(campaign_id).state in FINISHED_CAMPAIGN_STATES:
                remove_campaign_folder(data_dir, campaign_id)
