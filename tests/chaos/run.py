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
from tests.chaos.checks import violations
from tests.chaos.databases import DatabaseName, running
from tests.chaos.faults import FAULTS, Planned, plan
from tests.chaos.observer import Follower, Poller
from tests.chaos.service import Service
from tests.support.waiting import WaitTimeoutError, wait_for

GIVE_UP_SECONDS = 300.0
END_SECONDS = 60.0

log = logging.getLogger("chaos")
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """Settings of a run. Each recovery may take `bar_seconds`; a non-empty `only` restricts the kinds of fault."""

    database: DatabaseName
    faults: int
    trials: int
    trial_seconds: float = 1.5
    parallelism: int = 2
    lease_seconds: float = 10.0
    away_seconds: float = 30.0
    bar_seconds: float = 30.0
    seed: int = 1
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recovery:
    """A fault that was injected, at a second of the run, and how long after its end the service was usable again.

    `api_seconds`: until all polled routes answered. `reward_seconds`: until the first reward that was accepted after
    every process ran again; None where the campaign ended first.
    """

    kind: str
    at_seconds: float
    trials_finished: int
    lasted_seconds: float
    api_seconds: float
    reward_seconds: float | None

    @property
    def seconds(self) -> float:
        """Until both."""
        return max(self.api_seconds, self.reward_seconds or 0.0)


@dataclass(frozen=True)
class Result:
    """What a run found. It passed where there are no `violations`."""

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
        service.create_campaign(settings.trials, settings.trial_seconds, settings.parallelism, settings.seed)
        self.poller = Poller(service.url, service.campaign_id)
        self.follower = Follower(service.url, service.campaign_id)
        self.poller.start()
        self.follower.start()

    def go(self, planned: list[Planned]) -> None:
        """Injects all planned faults and waits until the campaign ends. Stops where the service does not recover."""
        try:
            for number, one in enumerate(planned, start=1):
                self._wait(partial(self._reached, one.after_trials), "more trials")
                if self._over:
                    self.violations.append(f"the campaign was {self.poller.state} before fault {number}")
                    return
                time.sleep(one.delay_seconds)
                self._inject(number, one)
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

    def _inject(self, number: int, one: Planned) -> None:
        name, finished = one.fault.name, self.poller.trials_finished
        at_seconds = round(time.monotonic() - self._began, 1)
        began = time.time()
        one.fault.apply(self.service, one.draw)
        # A kill is instantaneous: its recovery counts from the signal.
        ended = began if time.time() - began < 1.0 else time.time()
        api = self._wait(lambda: self.poller.usable_after(ended), f"the API after {name}")
        # A reward that was in flight when its runner died proves no recovery.
        self._wait(lambda: self.service.is_complete() or self._over, f"all processes after {name}")
        complete = max(ended, time.time())
        self._wait(lambda: self.follower.reward_after(complete) or self._over, f"a reward after {name}")
        reward = self.follower.reward_after(complete)
        recovery = Recovery(
            kind=name,
            at_seconds=at_seconds,
            trials_finished=finished,
            lasted_seconds=round(ended - began, 2),
            api_seconds=round(api - ended, 2),
            reward_seconds=None if reward is None else round(reward - ended, 2),
        )
        self.recoveries.append(recovery)
        log.info("%3d %-22s after %4d trials: API %5.1f s, reward %s s", number, name, finished, *_columns(recovery))
        if recovery.seconds > self.settings.bar_seconds:
            self.violations.append(f"fault {number}, {name}: usable again after {recovery.seconds} s")

    def _wait(self, find: Callable[[], T | None], what: str) -> T:
        return wait_for(find, GIVE_UP_SECONDS, what)


def run(settings: Settings) -> Result:
    """Runs a campaign with faults. Leaves no process running, and logs only where there is a violation."""
    with running(settings.database) as database:
        service = Service(database, settings.lease_seconds, settings.away_seconds)
        planned = plan(settings.faults, settings.trials, settings.seed, database.can, settings.only)
        impossible = settings.database == "sqlite" and "disk" not in database.can
        skipped = [one.name for one in FAULTS.values() if one.needs == "disk" and impossible]
        began = time.monotonic()
        try:
            this = _Run(settings, service)
            try:
                this.go(planned)
                this.follower.end()
            finally:
                this.poller.end()
                service.end()
            try:
                wait_for(lambda: not service.leftovers(), END_SECONDS, "the end of all processes")
            except WaitTimeoutError:
                this.violations += [f"left over: {one}" for one in service.leftovers()]
            wall_seconds = round(time.monotonic() - began, 1)
            this.violations += this.poller.violations + this.follower.violations + violations(service, this.follower)
            result = Result(settings, this.recoveries, skipped, this.violations, wall_seconds, _counts(this))
        finally:
            service.end()
            service.clear()
        if result.violations:
            log.info("logs are in %s", service.logs)
        else:
            shutil.rmtree(service.logs)
        return result


def _counts(this: _Run) -> dict[str, Any]:
    """How many events, runners, attempts and probes there were, as the observers saw them."""
    kinds = [event.kind for event in this.follower.events]
    probes = this.poller.probes
    return {
        "trials": this.poller.trials_finished,
        "events": len(kinds),
        "runners": kinds.count("campaign.claimed"),
        "attempts_abandoned": kinds.count("attempt.abandoned"),
        "attempts_failed": kinds.count("attempt.failed"),
        "probes": len(probes),
        "probes_refused": sum(bool(probe.failure) for probe in probes),
    }


def _columns(recovery: Recovery) -> tuple[float, str]:
    return recovery.api_seconds, "-" if recovery.reward_seconds is None else f"{recovery.reward_seconds:5.1f}"
