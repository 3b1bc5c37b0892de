"""The work that a campaign gives a worker, and its outcome. Workers import this module and not the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_space.atomic_file import write_atomically
from search_space.detector_model import DetectorModel
from search_space.errors import EffspineError, Reaction
from search_space.proxy_task import ProxyTask
from search_space.weights_files import weights_file_name

SHARED_WEIGHTS = -1
"""In place of a trial's number: the training of the weights that all trials share."""

TIMED_OUT = "timed-out"
WORKER_KILLED = "worker-killed"
WORKER_SILENT = "worker-silent"


@dataclass(frozen=True)
class TrialWork:
    """An architecture to train: attempt `attempt` (from 1) of trial `number`.

    With the number SHARED_WEIGHTS it is not a trial but the training of the weights that all trials share, and has no
    widths. `task` and `seed` override those that all trials share. `data_sha256` is the identity of the data that the
    campaign's earlier rewards were measured on; None before the first. `final_seed` is the seed of weights and batches
    in a training of the finals, whose images are those of the seed that all share.
    """

    number: int
    attempt: int
    widths: tuple[int, ...]
    task: ProxyTask | None = None
    seed: int | None = None
    data_sha256: str | None = None
    final_seed: int | None = None

    @property
    def trains_shared_weights(self) -> bool:
        """Whether this is the training of the shared weights."""
        return self.number == SHARED_WEIGHTS

    def __str__(self) -> str:
        what = "shared weights" if self.trains_shared_weights else f"trial {self.number}"
        if self.final_seed is not None:
            what = f"final {self.number}, seed {self.final_seed}"
        return f"{what}, attempt {self.attempt}"


@dataclass(frozen=True)
class SharedWeights:
    """Trained shared weights: the digest of everything that they depend on, that of their values, and their file.

    `content` is that of the file, None where every worker can read it. `data` is the identity of the data that they
    were trained on. `seconds` are those of `Rewarded`.
    """

    identity: str
    sha256: str
    is_reused: bool = False
    content: bytes | None = None
    data: Mapping[str, Any] | None = None
    seconds: float | None = field(default=None, compare=False)

    @property
    def file_name(self) -> str:
        """The name of the file in a directory of shared weights."""
        return weights_file_name(self.identity)

    def write_to(self, directory: Path) -> None:
        """Writes the file, unless it has this content. Raises OSError."""
        path = directory / self.file_name
        if self.content is not None and not (path.exists() and path.read_bytes() == self.content):
            write_atomically(path, self.content)


@dataclass(frozen=True)
class Latency:
    """The measured latency of an architecture: milliseconds of a run, and its ratio to that of the baseline."""

    ms: float
    ratio: float


@dataclass(frozen=True)
class Rewarded:
    """An attempt's result: the reward, 0 to 1, and its other metrics.

    `data` is the identity of the data that it read (`proxy_trainer.data.data_identity`), None for a synthetic task.
    Those of finals differ from those of the search: `search_data` is the identity of what the search would read now.
    `detector` is what a training of the finals has trained, without provenance; None for others. `latency` is None
    unless the campaign measures it. `log_tail` is that of `Failed`. `seconds` are those of the worker from the begin of
    the attempt to this result; None where it has not told them.
    """

    reward: float
    metrics: Mapping[str, float]
    data: Mapping[str, Any] | None = None
    search_data: Mapping[str, Any] | None = None
    detector: DetectorModel | None = field(default=None, compare=False, repr=False)
    latency: Latency | None = None
    log_tail: str | None = field(default=None, compare=False)
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Failed:
    """An attempt without a result: how the campaign reacts, and the error.

    `kind` identifies the kind of error, independently of its message; `log_tail` is the end of the worker's log of the
    attempt, if known; `data`, `search_data` and `seconds` are those of `Rewarded`.
    """

    reaction: Reaction
    error: str
    kind: str = "unexpected"
    log_tail: str | None = None
    data: Mapping[str, Any] | None = None
    search_data: Mapping[str, Any] | None = None
    seconds: float | None = field(default=None, compare=False)

    @classmethod
    def of(cls, error: EffspineError) -> Failed:
        """The failure for an error. An error without a reaction would recur in every trial, so the campaign stops."""
        return cls(getattr(error, "reaction", "stop"), str(error), getattr(error, "kind", "invalid-value"))


def failed_as(outcome: Rewarded | Failed, reaction: Reaction, error: str, kind: str) -> Failed:
    """A failure instead of an outcome, with everything else that the worker reported."""
    return Failed(reaction, error, kind, outcome.log_tail, outcome.data, outcome.search_data, seconds=outcome.seconds)


def reward_error(reward: float) -> str | None:
    """Why a number is no reward; None for one of 0 to 1."""
    return None if 0.0 <= reward <= 1.0 else f"the reward {reward} is not in 0 to 1"


def checked_reward(outcome: Rewarded) -> Rewarded | Failed:
    """The outcome, or a failure of the kind `invalid-reward` for a reward outside 0 to 1."""
    error = reward_error(outcome.reward)
    return outcome if error is None else failed_as(outcome, "give_up", error, "invalid-reward")


LogTail = Callable[[], str | None]
"""Reads the end of the worker's log of an attempt; None where it wrote nothing."""

Outcome = Rewarded | Failed | SharedWeights
"""What an attempt ends with; only the training of shared weights ends with `SharedWeights`."""
