"""What a campaign gives a worker to do, and the outcome of it. Workers import this and not the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from search_space.errors import EffspineError
from search_space.proxy_task import ProxyTask

TIMED_OUT = "timed-out"
WORKER_KILLED = "worker-killed"

Reaction = Literal["retry", "give_up", "stop"]


@dataclass(frozen=True)
class TrialWork:
    """An architecture to train: attempt `attempt` (from 1) of trial `number`.

    `task` and `seed` are those that all trials share unless they are given here.
    """

    number: int
    attempt: int
    widths: tuple[int, ...]
    task: ProxyTask | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Rewarded:
    """An attempt's result: the reward, 0 to 1, and its other metrics."""

    reward: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """An attempt without a result: how the campaign reacts, and the error.

    `kind` is the error's name, independent of its message; `log_tail` is the end of the worker's log of the attempt,
    where it is known.
    """

    reaction: Reaction
    error: str
    kind: str = "unexpected"
    log_tail: str | None = None

    @classmethod
    def of(cls, error: EffspineError) -> Failed:
        """The failure that an error stands for. An error without a reaction would recur in every trial, so it stops."""
        return cls(getattr(error, "reaction", "stop"), str(error), getattr(error, "kind", "invalid-value"))
