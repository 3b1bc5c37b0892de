"""A run: a campaign, faults at random moments, the recovery from each, and the checks at the end."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from nas_controller.states import FINISHED_CAMPAIGN_STATES
from search_space.errors import EffspineError
from tests.chaos import phases
from tests.chaos.checks import violations
from tests.chaos.databases import Database, running
from tests.chaos.faults import FAULTS, PlannedFault, plan
from tests.chaos.observer import Follower, Poller
from tests.chaos.service import Service
from tests.chaos.settings import Settings
from tests.support.waiting import WaitTimeoutError, wait_for

GIVE_UP_SECONDS = 300.0
MOMENT_SECONDS = {"search": GIVE_UP_SECONDS, "phases": 900.0}
"""Until a fault is due; in the phases trainings come before."""
END_SECONDS = 60.0
TRAININGS = ("attempt", "shared-training", "final")
"""How the kinds of the events of attempts begin."""

log = logging.getLogger("chaos")
T = TypeVar("T")


@dataclass(frozen=True)
class Recovery:
    """An injected fault, and the recovery of the service after it.

    `api_seconds` is the time from the end of the fault until all polled routes responded, `work_seconds` until the
    first reward that was accepted after every process ran again, or, in a phase without rewards, until another attempt
    has begun; None if the campaign ended first.
    """

    kind: str
    at_seconds: float
    trials_finished: int
    lasted_seconds: float
    api_seconds: float
    work_seconds: float | None

    @property
    def seconds(self) -> float:
        """The time until both."""
        return max(self.api_seconds, self.work_seconds or 0.0)


@dataclass(frozen=True)
class Result:
    """The result of a run. It passed if there are no `violations`."""

    settings: Settings
    recoveries: list[Recovery]
    skipped: list[str]
    violations: list[str]
    wall_seconds: float
    counts: dict[str, Any]


class _Run:
    """The state of a run between its faults."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self.settings = settings
        self.service = service
        self.recoveries: list[Recovery] = []
        self.violations: list[str] = []
        self._began = time.monotonic()
        service.start()
        if settings.scenario == "phases":
            phases.make_dataset(service)
        service.campaign_id = service.client.create_campaign(_document(settings)).id
        self.poller = Poller(service.url, service.campaign_id)
        self.follower = Follower(service.url, service.campaign_id)
        self.poller.start()
        self.follower.start()

    def inject_all(self, planned_faults: list[PlannedFault]) -> None:
        """Injects all faults and waits until the campaign ends. Gives up if the service does not recover."""
        try:
            for number, planned in enumerate(planned_faults, start=1):
                wait_for(self._moment(planned), f"the moment of fault {number}", MOMENT_SECONDS[self.settings.scenario])
                if self._over:
                    self.violations.append(f"the campaign was {self.poller.state} before fault {number}")
                    return
                time.sleep(planned.delay_seconds)
                self._inject(number, planned)
            while not self._over:
                self._wait(partial(self._reached, self.poller.trials_finished + 1), "the end")
        except (WaitTimeoutError, EffspineError) as error:
            self.violations.append(
                f"given up: {error}; the log of the supervisor ends with: {self.service.supervisor.tail()}"
            )

    @property
    def _over(self) -> bool:
        return self.poller.state in FINISHED_CAMPAIGN_STATES

    def _reached(self, trials: int) -> bool:
        return self.poller.trials_finished >= trials or self._over

    def _moment(self, planned: PlannedFault) -> Callable[[], bool]:
        """Whether a fault is due, or the campaign has ended before."""
        if planned.phase is None:
            return partial(self._reached, planned.after_trials)
        watch = phases.TrainingWatch(self.service, planned.phase)
        return lambda: self._over or watch.has_checkpoint()

    def _inject(self, number: int, planned: PlannedFault) -> None:
        name, finished = planned.fault.name, self.poller.trials_finished
        at_seconds = round(time.monotonic() - self._began, 1)
        began = time.time()
        planned.fault.apply(self.service, planned.draw)
        # A kill is instantaneous: its recovery counts from the signal.
        ended = began if time.time() - began < 1.0 else time.time()
        api = self._wait(lambda: self.poller.usable_after(ended), f"the API after {name}")
        self._wait(lambda: self.service.is_complete() or self._over, f"all processes after {name}")
        if planned.phase is None:
            # A reward that was in flight when its runner died does not prove a recovery.
            work = partial(self.follower.first_after, max(ended, time.time()))
        else:
            work = partial(self.follower.first_after, ended, phases.BEGUN[planned.phase])
        self._wait(lambda: work() or self._over, f"a reward or another attempt after {name}")
        resumed = work()
        recovery = Recovery(
            kind=name,
            at_seconds=at_seconds,
            trials_finished=finished,
            lasted_seconds=round(ended - began, 2),
            api_seconds=round(api - ended, 2),
            work_seconds=None if resumed is None else round(resumed - ended, 2),
        )
        self.recoveries.append(recovery)
        log.info("%3d %-22s after %4d trials: API %5.1f s, work %s s", number, name, finished, *_columns(recovery))
        if recovery.seconds > self.settings.bar_seconds:
            self.violations.append(f"fault {number}, {name}: usable again after {recovery.seconds} s")

    def _wait(self, find: Callable[[], T | None], what: str) -> T:
        return wait_for(find, what, GIVE_UP_SECONDS)


def run(settings: Settings) -> Result:
    """Runs a campaign with faults. Leaves no process running, and keeps logs only if there is a violation."""
    with running(settings.database) as database:
        paths = (phases.SHORT_CHECKPOINTS,) if settings.scenario == "phases" else ()
        service = Service(database, settings.lease_seconds, settings.away_seconds, paths)
        planned_faults = _plan(settings, database)
        has_no_disk = settings.database == "sqlite" and "disk" not in database.can
        skipped = [kind.name for kind in FAULTS.values() if kind.needs == "disk" and has_no_disk]
        began = time.monotonic()
        try:
            chaos_run = _Run(settings, service)
            try:
                chaos_run.inject_all(planned_faults)
                chaos_run.follower.end()
            finally:
                chaos_run.poller.end()
                service.end()
            try:
                wait_for(lambda: not service.leftovers(), "the end of all processes", END_SECONDS)
            except WaitTimeoutError:
                chaos_run.violations += [f"left over: {leftover}" for leftover in service.leftovers()]
            wall_seconds = round(time.monotonic() - began, 1)
            chaos_run.violations += (
                chaos_run.poller.violations + chaos_run.follower.violations + violations(service, chaos_run.follower)
            )
            if settings.scenario == "phases":
                chaos_run.violations += phases.violations(service, settings.seed, planned_faults)
            result = Result(
                settings, chaos_run.recoveries, skipped, chaos_run.violations, wall_seconds, _counts(chaos_run)
            )
        finally:
            service.end()
            service.clear()
        if result.violations:
            log.info("logs are in %s", service.logs)
        else:
            shutil.rmtree(service.logs)
        return result


def _counts(chaos_run: _Run) -> dict[str, Any]:
    """The numbers of events, runners, attempts and probes that the observers saw."""
    kinds = [event.kind for event in chaos_run.follower.events]
    probes = chaos_run.poller.probes
    return {
        "trials": chaos_run.poller.trials_finished,
        "events": len(kinds),
        "runners": kinds.count("campaign.claimed"),
        "attempts_abandoned": sum(kinds.count(f"{training}.abandoned") for training in TRAININGS),
        "attempts_failed": sum(kinds.count(f"{training}.failed") for training in TRAININGS),
        "probes": len(probes),
        "probes_refused": sum(bool(probe.failure) for probe in probes),
    }


def _columns(recovery: Recovery) -> tuple[float, str]:
    return recovery.api_seconds, "-" if recovery.work_seconds is None else f"{recovery.work_seconds:5.1f}"


def _plan(settings: Settings, database: Database) -> list[PlannedFault]:
    if settings.scenario == "phases":
        planned_faults = phases.plan(settings.seed, settings.only)
        return [planned for planned in planned_faults if planned.fault.needs in (None, *database.can)]
    return plan(settings.faults, settings.trials, settings.seed, database.can, settings.only)


def _document(settings: Settings) -> dict[str, Any]:
    """The specification of the campaign. The policy of a search learns too slowly to converge, so that nearly every
    trial is trained.
    """
    if settings.scenario == "phases":
        return phases.document(settings.trials, settings.parallelism, settings.seed)
    return {
        "name": "chaos",
        "trials": settings.trials,
        "parallelism": settings.parallelism,
        "seed": settings.seed,
        "controller": {"policy": "factorised", "learning_rate": 0.02},
        "proxy_task": {"profile": "synthetic", "seconds": settings.trial_seconds},
    }
