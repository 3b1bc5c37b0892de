"""What a campaign gives a worker to do, and what comes of it. Workers know this and not the record."""

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
    """An attempt's result: the reward, 0 to 1, and everything else that was measured."""

    reward: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """An attempt without a result: what to do about it and why it came to that.

    `kind` is the error's name, the same whatever the message says; `log_tail` is the end of what the worker wrote
    during the attempt, where it is known.
    """

    reaction: Reaction
    error: str
    kind: str = "unexpected"
    log_tail: str | None = None

    @classmethod
    def of(cls, error: EffspineError) -> Failed:
        """What an error says of itself; one without a reaction of its own would hit every trial."""
        return cls(getattr(error, "reaction", "stop"), str(error), getattr(error, "kind", "invalid-value"))
