"""The phases of a campaign under a runner: the training of its shared weights, its trials, and its finals."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.campaign_errors import CampaignWaitsError
from nas_controller.campaigns.finals import Finals
from nas_controller.campaigns.shared_training import SharedTraining
from nas_controller.entities import name_of_final
from nas_controller.execution.executor import Executor, Session, Workers
from nas_controller.execution.kept_models import keep_model
from nas_controller.execution.latency import LatencyMeasurement
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.execution.worker import Job
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.latency_spec import LatencySpec
from nas_controller.search.outcomes import Failed
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.store import Lease, Store
from nas_controller.supervision.data_availability import missing_data
from nas_controller.supervision.fair_shares import Allotment
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.runner_protocol import EXIT_MUST_WAIT
from nas_controller.supervision.shared_weights_directory import SharedWeightsDirectory
from search_space.datasets import dataset_path
from search_space.detector_model import DetectorModel
from search_space.errors import DATA_AWAY, InvalidValueError
from search_space.space import SearchSpace

logger = logging.getLogger(__name__)


@dataclass
class Machine:
    """Where trials run, and the resources that this campaign may use there.

    Trials run on this machine, on the Ray cluster at `ray_address`, or in `executor` if it is given. Without an
    `allotment`, the campaign has everything it asks for. Another thread may change the allotment at any time.
    """

    ray_address: str | None = None
    allotment: Allotment | None = None
    executor: Executor | None = None

    def receive(self, line: bytes) -> None:
        """Takes the allotment of a line."""
        self.allotment = Allotment.from_line(line)

    def executor_of(self, campaign_id: str) -> Executor:
        """The executor of a campaign's trials; imports Ray unless it was given."""
        if self.executor is None:
            from nas_controller.execution.ray_executor import RayExecutor

            return RayExecutor(campaign_id, self.ray_address, lost_status=EXIT_MUST_WAIT)
        return self.executor


def run_phases(
    store: Store,
    lease: Lease,
    campaign: Campaign,
    data_dir: Path,
    heartbeat: Heartbeat,
    machine: Machine,
    may_wait: Callable[[Failed], bool],
) -> None:
    """Runs what is left of a campaign, until it is over or has to end. Raises CampaignWaitsError."""
    _Phases(store, lease, campaign, data_dir, heartbeat, machine, may_wait).run()


@dataclass
class _Phases:
    """What is left of a campaign."""

    store: Store
    lease: Lease
    campaign: Campaign
    data_dir: Path
    heartbeat: Heartbeat
    machine: Machine
    may_wait: Callable[[Failed], bool]

    def run(self) -> None:
        """Runs the phases until the campaign is over or has to end; one whose data set does not exist fails.

        Raises CampaignWaitsError.
        """
        campaign = self.campaign
        spec, record = campaign.spec, campaign.record
        missing = missing_data(record, self.data_dir)
        if missing is not None:
            raise CampaignWaitsError(missing, DATA_AWAY)
        try:
            job = self._job()
        except InvalidValueError as error:
            campaign.end("failed", str(error), kind="invalid-value")
            return
        logger.info(
            "campaign %s (%s): %d of %d trials finished; profile %s, data set %s, seed %d",
            *(record.id, record.name, record.trials_finished, spec.trials),
            *(spec.proxy_task.profile, spec.dataset or "-", spec.seed),
        )
        executor = self.machine.executor_of(record.id)
        self._search(job, executor)
        if self.heartbeat.out_of_time and not (campaign.over or self.heartbeat.is_interrupted):
            campaign.end("completed", because="wall_seconds")
        self._finals(job, executor)

    def _search(self, job: Job, executor: Executor) -> None:
        """Trains the shared weights, if the task has them, and runs trials; then finals, if the same workers can."""
        campaign, heartbeat, shared = self.campaign, self.heartbeat, None

        def must_end() -> bool:
            return heartbeat.must_end

        if job.task.kind == "shared" and not campaign.over:
            directory = SharedWeightsDirectory(job.cache_dir)
            job = replace(job, shared_weights=directory.find(campaign.record.shared_training))
            if job.shared_weights is None:
                steps, keep = job.task.shared_steps, directory.keep
                shared = SharedTraining(self.store, self.lease, campaign, steps, self.may_wait, keep)
        while not (campaign.over or campaign.draining or heartbeat.must_end):
            started = self._workers()
            if shared is not None:
                started, shared.devices = _one_worker(started, self.machine, self._spec.resources)
            logger.info("workers %d, threads per worker %d", started.parallelism, started.threads)
            with self._session(executor, started) as session:
                if shared is not None:
                    session.run(shared, replace(job, threads=started.threads), must_end, partial(replace, started))
                    if shared.is_trained:
                        job, shared = replace(job, shared_weights=directory.kept), None
                if shared is None and started == self._workers():
                    session.run(campaign, replace(job, threads=started.threads), must_end, self._workers)
                if started == self._workers_of_finals():
                    self._run_finals(job, session, started)

    def _finals(self, job: Job, executor: Executor) -> None:
        """Trains the finalists, if the campaign is in its finals."""
        while self._may_run_finals():
            started = self._workers_of_finals()
            logger.info("finals: workers %d, threads per worker %d", started.parallelism, started.threads)
            with self._session(executor, started) as session:
                self._run_finals(job, session, started)

    @contextmanager
    def _session(self, executor: Executor, workers: Workers) -> Iterator[Session]:
        """A session of workers; if this process is to exit, its lease is released before the workers are stopped."""
        with executor.session(workers) as session:
            try:
                yield session
            except SystemExit:
                self.heartbeat.release()  # Ray takes seconds to shut down, and ends this process if its head is away
                raise

    def _run_finals(self, job: Job, session: Session, started: Workers) -> None:
        """Trains finalists with workers that have been started."""
        spec = self.store.reads.get_campaign(self.campaign.record.id).spec
        task = spec.finals_task
        if task is None or not self._may_run_finals():
            return
        final_job = replace(
            job,
            task=task,
            search_task=job.task,
            search_data_sha256=self.campaign.data_sha256,
            space=None,
            shared_weights=None,
            latency=None,
            threads=started.threads,
        )
        source = Finals(self.store, self.lease, self.campaign, self.may_wait, self._keep)
        session.run(source, final_job, lambda: self.heartbeat.is_interrupted, self._workers_of_finals)

    def _keep(self, trial: int, seed: int, detector: DetectorModel) -> None:
        """Keeps a detector. Raises CampaignWaitsError where it cannot be written: on a full disk, for example."""
        try:
            keep_model(self.data_dir, self.campaign.record.id, trial, seed, detector)
        except OSError as error:
            what = (
                f"the detector of {name_of_final(trial, seed)} cannot be written to {error.filename or self.data_dir}"
            )
            kind = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "model-not-written"
            raise CampaignWaitsError(f"{what}: {error.strerror or error}", kind) from error

    def _may_run_finals(self) -> bool:
        """Whether nothing but the finals of the campaign is left, and nothing keeps them from running."""
        campaign = self.campaign
        return campaign.over and not (campaign.ended or campaign.draining or self.heartbeat.is_interrupted)

    def _job(self) -> Job:
        """The job of all trials; `threads` is set per session. Raises InvalidValueError without the data set."""
        spec = self.campaign.spec
        task, space = spec.proxy_task.resolve(), spec.search_space.build()
        return Job(
            task=task,
            base=self.campaign.base,
            dataset_dir=None if spec.dataset is None else dataset_path(self.data_dir, spec.dataset),
            cache_dir=self.data_dir / "cache",
            seed=spec.seed,
            threads=1,
            checkpoint_dir=campaign_directory(self.data_dir, self.campaign.record.id),
            space=space if task.kind == "shared" else None,
            latency=_latency_measurement(spec.latency, space),
        )

    @property
    def _spec(self) -> CampaignSpec:
        """The newest specification."""
        return self.heartbeat.spec or self.campaign.spec

    def _workers(self) -> Workers:
        return _workers(self._spec, self.machine)

    def _workers_of_finals(self) -> Workers:
        """As many workers as for trials, with the timeout of finals."""
        finals = self._spec.finals
        return replace(self._workers(), timeout_seconds=None if finals is None else finals.timeout_seconds)


def _latency_measurement(spec: LatencySpec | None, space: SearchSpace) -> LatencyMeasurement | None:
    return None if spec is None else LatencyMeasurement(space.baseline.widths, spec.threads, spec.runs)


def _one_worker(workers: Workers, machine: Machine, resources: ResourcesSpec) -> tuple[Workers, float]:
    """One worker without a timeout, and the devices that it holds; with the processors of all, unless these may be
    those of several hosts.
    """
    trials = workers.parallelism if machine.ray_address is None else 1
    one = replace(workers, parallelism=1, threads=trials * workers.threads, timeout_seconds=None)
    return one, resources.devices_in_place_of(trials)


def _workers(spec: CampaignSpec, machine: Machine) -> Workers:
    """The workers that the campaign may use now: those it asks for, or fewer if other campaigns compete for them."""
    allotted, wanted = machine.allotment, spec.resources
    parallelism = spec.parallelism if allotted is None else min(spec.parallelism, allotted.parallelism)
    if machine.ray_address is not None:
        threads = wanted.cpus or 1
    elif wanted.cpus is not None:
        threads = wanted.cpus
    elif allotted is not None:
        threads = allotted.threads
    else:
        threads = max(1, len(os.sched_getaffinity(0)) // parallelism)
    return Workers(parallelism, threads, wanted.gpus, wanted.tpus, spec.trial_timeout_seconds)
