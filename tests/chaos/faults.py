"""The kinds of faults; after each, the service must recover by itself.

API, supervisor and PostgreSQL are restarted at once, as a process manager does. A runner, its Ray and its workers are
restarted by the service.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from tests.chaos.databases import Postgresql, Sqlite
from tests.chaos.service import Service
from tests.support.process_table import frozen, kill
from tests.support.waiting import wait_for

FREEZE_MARGIN_SECONDS = 2.0
"""A freeze is longer than the lease by this time."""
FULL_SECONDS = 10.0
TAKEOVER_SECONDS = 60.0
SPREAD = 0.7
"""Some faults last for many trials, and the campaign must not end before the last fault."""

Phase = Literal["shared-training", "finals"]

Apply = Callable[[Service, float], None]
"""Injects a fault and returns when it is over; a number in [0, 1) picks one of several processes."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault, what it needs of the database (None: nothing), and its weight in the plan."""

    name: str
    description: str
    apply: Apply
    needs: str | None
    share: int


FAULTS: dict[str, Fault] = {}


def fault(description: str, *, needs: str | None = None, share: int = 2) -> Callable[[Apply], Apply]:
    """Registers a function as the fault of its name, with dashes."""

    def register(apply: Apply) -> Apply:
        name = apply.__name__.replace("_", "-")
        assert name not in FAULTS, f"two faults are called {name}"
        FAULTS[name] = Fault(name, description, apply, needs, share)
        return apply

    return register


@fault("SIGKILL to the API")
def kill_api(service: Service, draw: float) -> None:
    service.api.kill()


@fault("SIGKILL to the supervisor; its runner must end by itself")
def kill_supervisor(service: Service, draw: float) -> None:
    service.supervisor.kill()


@fault("SIGKILL to the runner")
def kill_runner(service: Service, draw: float) -> None:
    kill(service.runner().pid)


@fault("SIGKILL to a worker in training")
def kill_worker(service: Service, draw: float) -> None:
    kill(service.worker(draw).pid)


@fault("SIGKILL to the Ray head (`gcs_server`)")
def kill_ray_head(service: Service, draw: float) -> None:
    kill(service.ray_part("gcs_server").pid)


@fault("SIGKILL to Ray's node manager (`raylet`)")
def kill_raylet(service: Service, draw: float) -> None:
    kill(service.ray_part("raylet").pid)


@fault("SIGKILL to every process of PostgreSQL", needs="postgresql")
def kill_database(service: Service, draw: float) -> None:
    cast(Postgresql, service.database).kill()


@fault("SIGSTOP to the runner for longer than its lease", share=1)
def freeze_runner(service: Service, draw: float) -> None:
    with frozen(service.runner().pid):
        time.sleep(service.lease_seconds + FREEZE_MARGIN_SECONDS)


@fault("SIGSTOP to the runner and SIGKILL to its supervisor, until another runner has had a reward accepted", share=1)
def replace_frozen_runner(service: Service, draw: float) -> None:
    runner = service.runner()
    with frozen(runner.pid):
        service.supervisor.kill()
        wait_for(lambda: service.runner().pid != runner.pid, "another runner", TAKEOVER_SECONDS)
        before = service.client.campaign(service.campaign_id).trials_finished
        wait_for(
            lambda: service.client.campaign(service.campaign_id).trials_finished > before,
            "a reward from the other runner",
            TAKEOVER_SECONDS,
        )


@fault("SIGSTOP to the supervisor for longer than the lease", share=1)
def freeze_supervisor(service: Service, draw: float) -> None:
    with frozen(service.supervisor.pid):
        time.sleep(service.lease_seconds + FREEZE_MARGIN_SECONDS)


@fault("SIGSTOP to a worker in training for longer than the lease", share=1)
def freeze_worker(service: Service, draw: float) -> None:
    with frozen(service.worker(draw).pid):
        time.sleep(service.lease_seconds + FREEZE_MARGIN_SECONDS)


@fault("SIGSTOP to every process of PostgreSQL for longer than the lease", needs="postgresql", share=1)
def freeze_database(service: Service, draw: float) -> None:
    cast(Postgresql, service.database).freeze(service.lease_seconds + FREEZE_MARGIN_SECONDS)


@fault("PostgreSQL stopped, or SQLite locked by another process, for 30 s", share=1)
def database_away(service: Service, draw: float) -> None:
    service.database.make_unavailable(service.away_seconds)


@fault(f"full disk of SQLite for {FULL_SECONDS:.0f} s", needs="disk", share=1)
def full_disk(service: Service, draw: float) -> None:
    cast(Sqlite, service.database).fill_disk(FULL_SECONDS)


@fault("`pause` with `abort` over the API, then `resume`", share=1)
def pause(service: Service, draw: float) -> None:
    service.client.pause_campaign(service.campaign_id, "abort")
    wait_for(
        lambda: service.client.campaign(service.campaign_id).state == "paused", "the paused campaign", TAKEOVER_SECONDS
    )
    service.client.resume_campaign(service.campaign_id)


class PlannedFault(NamedTuple):
    """One fault of a run, injected `delay_seconds` after `after_trials` trials have finished, or with a `phase` after a
    training of this phase has written a checkpoint.
    """

    fault: Fault
    after_trials: int
    delay_seconds: float
    draw: float
    phase: Phase | None = None


def plan(faults: int, trials: int, seed: int, can: frozenset[str], only: Sequence[str] = ()) -> list[PlannedFault]:
    """The faults of a run, the same for the same seed, spread over the first SPREAD of its trials.

    Every kind comes once; then kinds are drawn from a shuffled deck that contains each as often as its share. `can` has
    the requirements that the database meets; a non-empty `only` restricts the kinds.
    """
    random_ = random.Random(seed)
    kinds = [kind for kind in FAULTS.values() if kind.needs is None or kind.needs in can]
    deck = _deck([kind for kind in kinds if not only or kind.name in only], random_)
    return [
        PlannedFault(next(deck), 1 + int(number * SPREAD * trials / faults), random_.uniform(0, 1.5), random_.random())
        for number in range(faults)
    ]


def _deck(kinds: list[Fault], random_: random.Random) -> Iterator[Fault]:
    first = random_.sample(kinds, len(kinds))
    yield from first
    while True:
        cards = [kind for kind in kinds for _ in range(kind.share)]
        random_.shuffle(cards)
        yield from cards
