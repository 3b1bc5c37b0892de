"""Starts, restarts and reaps a runner process for every campaign that needs one.

The supervisor has no state of its own: the database has the campaigns that need a runner, and leases there prevent two
supervisors from running the same campaign. The supervisor sends allotments to a runner's standard input. When the
supervisor dies, that input closes and the runner ends.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_controller.execution.trial_checkpoints import remove_campaign_directory
from nas_controller.exports.files import LIMIT_BYTES
from nas_controller.store import (
    CampaignRecord,
    ConflictError,
    LeaseLostError,
    NotFoundError,
    Store,
    StoreUnavailableError,
)
from nas_controller.supervision.campaign_deletion import finish_deletions
from nas_controller.supervision.campaign_logs import log_path, log_tail
from nas_controller.supervision.checkpoint_cleanup import remove_finished
from nas_controller.supervision.cluster_node import ClusterNode
from nas_controller.supervision.export_jobs import JOB_COMMAND, ExportJobs
from nas_controller.supervision.fair_shares import Allotment, Demand, allot
from nas_controller.supervision.jobs import Jobs
from nas_controller.supervision.outward import STOP_SECONDS, Outward
from nas_controller.supervision.poll_errors import PollErrors
from nas_controller.supervision.restart_backoff import MAX_RESTARTS, RestartBackoff
from nas_controller.supervision.runner_process import RunnerProcess
from nas_controller.supervision.runner_protocol import (
    EXIT_DONE,
    EXIT_MUST_WAIT,
    EXIT_NOT_OURS,
    EXIT_WAITS,
    LEASE_SECONDS,
)
from nas_controller.supervision.sink_loop import SinkLoop
from nas_controller.supervision.supervisor_heartbeat import SupervisorHeartbeat
from nas_controller.supervision.training_jobs import TrainingJobs

logger = logging.getLogger(__name__)

CAMPAIGNS_AT_ONCE = 4
POLL_SECONDS = 0.5
SHUTDOWN_SECONDS = 15.0
STALLED_SECONDS = 60.0  # a runner takes some seconds to start before it has a lease
WAIT_SECONDS = 2.0

RUNNER_FAILED = "runner-failed"

_NEED_NO_WORKERS = ("pausing", "stopping")


@dataclass
class Supervisor:
    """Runs campaigns of the database at `database_url`, at most `campaigns_at_once`, the oldest first.

    They share `max_parallelism` workers by `nas_controller.supervision.fair_shares`. None means one per processor of
    this machine, or as many as the campaign with the largest parallelism wants; on the Ray cluster at `ray_address`, as
    many as all campaigns want. A campaign without any worker waits.

    Logs go to `<data_dir>/logs/<campaign id>.log`. A runner that fails is restarted after 1, 2 and 4 seconds; after
    MAX_RESTARTS failures without a finished trial in between, the campaign fails with the end of its log. A runner that
    ends because the database is unavailable or a disk is full, or while this machine's node in the cluster is new, has
    not failed: the supervisor starts no runner for WAIT_SECONDS and then retries without limit. If one campaign
    has to wait, for its data set for example, the others continue.

    It has exports made too, one at a time (`nas_controller.supervision.export_jobs`); their files take at most
    `exports_limit_bytes`. And it runs trainings beside the campaigns (`nas_controller.supervision.training_jobs`): one
    at a time on this machine, on a cluster as many as campaigns. What it tells webhooks and sinks is `outward`.
    """

    database_url: str
    data_dir: Path
    campaigns_at_once: int = CAMPAIGNS_AT_ONCE
    max_parallelism: int | None = None
    ray_address: str | None = None
    lease_seconds: float = LEASE_SECONDS
    runner_command: tuple[str, ...] = (sys.executable, "-m", "nas_controller.supervision.runner")
    exports_limit_bytes: int = LIMIT_BYTES
    export_command: tuple[str, ...] = JOB_COMMAND
    outward: Outward = field(default_factory=Outward)
    _runners: dict[str, RunnerProcess] = field(default_factory=dict)
    _backoff: RestartBackoff = field(default_factory=RestartBackoff)
    _errors: PollErrors = field(default_factory=PollErrors)
    _not_before: float = 0.0
    _node: ClusterNode | None = None

    def run(self, stop: threading.Event) -> None:
        """Supervises until `stop` is set, then stops its runners; their campaigns continue at the next start.

        Raises what `Store.open` raises. Later it waits while the database is unavailable. A process that cannot be
        started is tried again, and keeps no other campaign or job from running.
        """
        store = Store.open(self.database_url)
        if self.ray_address is not None:
            self._node = ClusterNode(self.ray_address, log_path(self.data_dir, "ray-node"))
        processors = len(os.sched_getaffinity(0)) if self.ray_address is None else None
        heartbeat = SupervisorHeartbeat(processors, self.max_parallelism)
        jobs = (self._export_jobs(heartbeat.id), self._training_jobs(heartbeat.id))
        sinks = self.outward.sink_loops(store, heartbeat.id, stop)
        loops = self.outward.start(store, sinks)
        try:
            with suppress(StoreUnavailableError):
                remove_finished(store, self.data_dir)
                finish_deletions(store, self.data_dir)
            while not stop.is_set():
                self._poll(store, heartbeat, sinks, jobs)
                stop.wait(POLL_SECONDS)
        finally:
            for each in jobs:
                each.terminate()
            self._stop_runners(store)
            for each in jobs:
                each.stop(store)
            for loop in loops:
                loop.stop(STOP_SECONDS)
            if self._node is not None:
                self._node.stop()
            heartbeat.remove(store)
            store.close()

    def _poll(
        self, store: Store, heartbeat: SupervisorHeartbeat, sinks: Mapping[str, SinkLoop], jobs: Sequence[Jobs[Any]]
    ) -> None:
        """Does what is due; a part that fails does not keep the others from running."""
        self._errors.next_poll()
        is_recorded = False
        with self._errors.caught(StoreUnavailableError, OSError):
            heartbeat.record(store, {name: each.error for name, each in sinks.items() if each.error})
            is_recorded = True
        with self._errors.caught(StoreUnavailableError, OSError):
            if self._node is not None:
                self._node.ensure_running()
            self._reconcile(store)
        for each in jobs if is_recorded else ():  # the jobs of a supervisor without a heartbeat are released
            with self._errors.caught(StoreUnavailableError, OSError):
                each.reconcile(store)

    def _export_jobs(self, owner: str) -> ExportJobs:
        limit = self.exports_limit_bytes
        return ExportJobs(self.database_url, self.data_dir, owner, self.export_command, limit_bytes=limit)

    def _training_jobs(self, owner: str) -> TrainingJobs:
        jobs = TrainingJobs(self.database_url, self.data_dir, owner, ray_address=self.ray_address)
        if self._node is not None:
            jobs.at_once, jobs.is_stable = self.campaigns_at_once, lambda: self._node is None or self._node.is_stable
        return jobs

    def _reconcile(self, store: Store) -> None:
        """Reaps runners that have ended, and starts runners for campaigns without one."""
        for runner in list(self._runners.values()):
            status = runner.process.poll()
            if status is not None:
                del self._runners[runner.campaign_id]
                self._reap(store, runner, status)
        runnable = store.runner.runnable_campaigns()
        self._kill_stalled({campaign.id for campaign in runnable})
        running = list(self._running(store))
        waiting = self._startable(runnable)[: max(0, self.campaigns_at_once - len(running))]
        allotments = self._allotments(sorted([*running, *waiting], key=lambda campaign: campaign.id))
        for runner in self._runners.values():
            if runner.campaign_id in allotments:
                runner.send_allotment(allotments[runner.campaign_id])
        for campaign in waiting:
            if allotments[campaign.id].parallelism > 0 or campaign.state in _NEED_NO_WORKERS:
                with self._errors.caught(OSError):
                    self._start(campaign, allotments[campaign.id])

    def _running(self, store: Store) -> Iterator[CampaignRecord]:
        """The campaigns of its runners, without those that were deleted before their runner had ended."""
        for campaign_id in self._runners:
            with suppress(NotFoundError):
                yield store.reads.get_campaign(campaign_id)

    def _kill_stalled(self, runnable: set[str]) -> None:
        """Kills runners, such as frozen ones, that have had no lease for STALLED_SECONDS."""
        now = time.monotonic()
        for runner in self._runners.values():
            if runner.campaign_id not in runnable:
                runner.without_lease_since = None
            elif runner.without_lease_since is None:
                runner.without_lease_since = now
            elif now - runner.without_lease_since > STALLED_SECONDS:
                logger.warning("campaign %s: runner %d is stalled and is killed", runner.campaign_id, runner.pid)
                runner.kill()

    def _startable(self, runnable: Sequence[CampaignRecord]) -> list[CampaignRecord]:
        """The campaigns without a runner that may have one now."""
        if time.monotonic() < self._not_before:
            return []
        return [
            campaign
            for campaign in runnable
            if campaign.id not in self._runners
            and self._backoff.may_start(campaign.id, needs_workers=campaign.state not in _NEED_NO_WORKERS)
        ]

    def _allotments(self, campaigns: Sequence[CampaignRecord]) -> dict[str, Allotment]:
        """The allotment of each of these campaigns if all of them run."""
        demands = [
            Demand(
                campaign.id,
                0 if campaign.state in _NEED_NO_WORKERS else campaign.spec.parallelism,
                campaign.spec.share,
            )
            for campaign in campaigns
        ]
        processors = len(os.sched_getaffinity(0))
        wanted = [demand.parallelism for demand in demands]
        if self.max_parallelism is not None:
            slots = self.max_parallelism
        elif self.ray_address is not None:
            slots = sum(wanted)
        else:
            slots = max([processors, *wanted])
        allotted = allot(demands, slots)
        threads = max(1, processors // max(1, sum(allotted.values())))
        return {campaign_id: Allotment(workers, threads) for campaign_id, workers in allotted.items()}

    def _start(self, campaign: CampaignRecord, allotment: Allotment) -> None:
        command = [
            *self.runner_command,
            campaign.id,
            *("--data-dir", str(self.data_dir), "--lease-seconds", str(self.lease_seconds)),
            *(() if self.ray_address is None else ("--ray-address", self.ray_address)),
        ]
        log = log_path(self.data_dir, campaign.id)
        runner = RunnerProcess.start(command, campaign, allotment, log, self.database_url)
        self._runners[campaign.id] = runner
        logger.info("campaign %s: runner %d started, log in %s", campaign.id, runner.pid, log)

    def _reap(self, store: Store, runner: RunnerProcess, status: int) -> None:
        """Cleans up after a runner that has ended, and decides whether its campaign gets another one."""
        runner.clean_up()
        campaign_id = runner.campaign_id
        logger.info("campaign %s: runner %d ended with status %d", campaign_id, runner.pid, status)
        with suppress(StoreUnavailableError):  # then the lease expires
            store.runner.release(campaign_id, runner.owner)
            remove_finished(store, self.data_dir)
            finish_deletions(store, self.data_dir)
        try:
            self._retry_later(store, runner, status)
        except NotFoundError:  # it was deleted
            self._backoff.forget(campaign_id)

    def _retry_later(self, store: Store, runner: RunnerProcess, status: int) -> None:
        """Decides when the campaign of a runner that has ended may have another one, and fails it after too many."""
        campaign_id = runner.campaign_id
        if status in (EXIT_DONE, EXIT_NOT_OURS):
            self._backoff.forget(campaign_id)
        elif status == EXIT_WAITS:
            self._backoff.waits(campaign_id, store.reads.get_campaign(campaign_id).progress)
        elif status == EXIT_MUST_WAIT or (self._node is not None and not self._node.is_stable):
            self._not_before = time.monotonic() + WAIT_SECONDS
        else:
            progress = store.reads.get_campaign(campaign_id).progress
            if not self._backoff.failed(campaign_id, runner.progress, progress):
                self._fail_campaign(store, campaign_id, status)

    def _fail_campaign(self, store: Store, campaign_id: str, status: int) -> None:
        tail = log_tail(self.data_dir, campaign_id)
        error = (
            f"the runner ended {MAX_RESTARTS + 1} times without finishing a trial, the last time with "
            f"status {status}; its log ends with:\n{tail}"
        )
        logger.error("campaign %s: %s", campaign_id, error)
        with suppress(ConflictError, LeaseLostError):  # another runner has the campaign, or it is finished
            lease = store.runner.claim(campaign_id, f"supervisor-{os.getpid()}", self.lease_seconds)
            store.runner.finish_campaign(lease, "failed", error, kind=RUNNER_FAILED)
            remove_campaign_directory(self.data_dir, campaign_id)

    def _stop_runners(self, store: Store) -> None:
        """Terminates all runners, and kills those that have not ended after SHUTDOWN_SECONDS."""
        runners = list(self._runners.values())
        for runner in runners:
            runner.terminate()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        for runner in runners:
            runner.wait_or_kill(deadline - time.monotonic())
            runner.clean_up()
            with suppress(StoreUnavailableError):
                store.runner.release(runner.campaign_id, runner.owner)
        self._runners.clear()
