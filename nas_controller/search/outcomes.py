"""The work that a campaign gives a worker, and its outcome. Workers import this module and not the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_space.errors import EffspineError, Reaction
from search_space.proxy_task import ProxyTask

TIMED_OUT = "timed-out"
WORKER_KILLED = "worker-killed"
WORKER_SILENT = "worker-silent"


@dataclass(frozen=True)
class TrialWork:
    """An architecture to train: attempt `attempt` (from 1) of trial `number`.

    `task` and `seed` override those that all trials share. `data_sha256` is the identity of the data that the
    campaign's earlier rewards were measured on; None before the first.
    """

    number: int
    attempt: int
    widths: tuple[int, ...]
    task: ProxyTask | None = None
    seed: int | None = None
    data_sha256: str | None = None


@dataclass(frozen=True)
class Rewarded:
    """An attempt's result: the reward, 0 to 1, and its other metrics.

    `data` is the identity of the data that it read (`proxy_trainer.data.data_identity`), None for a synthetic task.
    """

    reward: float
    metrics: Mapping[str, float]
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Failed:
    """An attempt without a result: how the campaign reacts, and the error.

    `kind` identifies the kind of error, independently of its message; `log_tail` is the end of the worker's log of the
    attempt, if known; `data` is the identity of the data that it read.
    """

    reaction: Reaction
    error: str
    kind: str = "unexpected"
    log_tail: str | None = None
    data: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, error: EffspineError) -> Failed:
        """The failure for an error. An error without a reaction would recur in every trial, so the campaign stops."""
        return cls(getattr(error, "reaction", "stop"), str(error), getattr(error, "kind", "invalid-value"))
