"""Errors of trials, each with the reaction that it needs."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar

from search_space.errors import DATA_AWAY, DATA_CHANGED, SHARED_WEIGHTS_CHANGED, EffspineError, Reaction


class TrialError(EffspineError):
    """Base of the errors of a trial.

    `reaction` is what the campaign does: `retry` the trial elsewhere, `give_up` the trial with reward 0, `stop` the
    campaign because every further trial would fail in the same way, or `wait` until the cause is fixed and then begin
    the attempt again, which does not count as a failure. `kind` identifies the error in the database and must never
    change; the message may.
    """

    reaction: ClassVar[Reaction] = "retry"
    kind: ClassVar[str] = "unexpected"


class DataError(TrialError):
    """The data set cannot be used; the message names the file and the fault."""

    reaction: ClassVar[Reaction] = "stop"
    kind = "data"


class DataAwayError(DataError):
    """The data set's files cannot be reached for now: a directory or annotation file is missing, or its mount is."""

    reaction: ClassVar[Reaction] = "wait"
    kind = DATA_AWAY


class DataChangedError(DataError):
    """The data set's content differs from what the campaign's rewards were measured on."""

    kind = DATA_CHANGED


class ImageCacheError(TrialError):
    """The decoded images of an earlier trial cannot be read, though their files are there; another worker may."""

    kind = "image-cache"


class NoMetricError(DataError):
    """The evaluator measured no AP, so there is no reward; the message says why."""

    kind = "no-ap"


class DiskFullError(TrialError):
    """No space is left for a file that training needs; the message names the file."""

    reaction: ClassVar[Reaction] = "wait"
    kind = "disk-full"


_NO_SPACE = {errno.ENOSPC: "no space left on the disk", errno.EDQUOT: "the disk quota is used up"}


def is_disk_full(error: OSError) -> bool:
    """Whether a write failed because no space is left, or none that this user may take."""
    return error.errno in _NO_SPACE


def why_not_written(error: OSError) -> str:
    """Why a write failed, for a message."""
    return _NO_SPACE.get(error.errno or 0, error.strerror or str(error))


def write_error(what: str, error: OSError) -> DiskFullError | DataError:
    """The error for a file or directory `what` that training needs and that could not be written."""
    kind = DiskFullError if is_disk_full(error) else DataError
    return kind(f"cannot write {what}: {why_not_written(error)}")


class UnreadableImageError(DataError):
    """The image file at `path` is missing, truncated or not an image."""

    kind = "unreadable-image"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"cannot read the image {path}: {why}")
        self.path = path
        self._why = why

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[Path, str]]:
        return type(self), (self.path, self._why)


class EmptySplitError(DataError):
    """A split has no image, or no box to train on or to score against."""

    kind = "empty-split"


class EmptyReservedSetError(EmptySplitError):
    """There are no reserved images, or none has a box to score against, so no trial can have a reward."""

    kind = "empty-reserved-set"


class NonFiniteLossError(TrialError):
    """The loss is infinite or NaN; this architecture is given up at this learning rate."""

    reaction: ClassVar[Reaction] = "give_up"
    kind = "non-finite-loss"

    def __init__(self, step: int, learning_rate: float, last_good_loss: float | None) -> None:
        last = "there was no finite loss before" if last_good_loss is None else f"last finite loss {last_good_loss:.4g}"
        super().__init__(f"the loss is not finite at step {step} (learning rate {learning_rate:.4g}; {last})")
        self.step = step
        self.learning_rate = learning_rate
        self.last_good_loss = last_good_loss

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[int, float, float | None]]:
        return type(self), (self.step, self.learning_rate, self.last_good_loss)


class SharedTrainingDivergedError(NonFiniteLossError):
    """The loss of the shared weights is infinite or NaN, so no trial can be scored."""

    reaction = "stop"
    kind = "shared-training-diverged"

    def __str__(self) -> str:
        return f"the shared weights: {super().__str__()}; lower shared_learning_rate"


class SharedWeightsChangedError(TrialError):
    """The shared weights are not those that the campaign's rewards were measured with; their digests differ."""

    reaction: ClassVar[Reaction] = "stop"
    kind = SHARED_WEIGHTS_CHANGED

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(
            "the shared weights are not those that the earlier rewards were measured with: their file was lost and "
            f"they were trained again with another result (SHA-256 {found[:12]}, expected {expected[:12]})"
        )
        self._digests = (found, expected)

    def __reduce__(self) -> tuple[type[SharedWeightsChangedError], tuple[str, str]]:
        return type(self), self._digests


class OutOfMemoryError(TrialError):
    """Training or scoring ran out of memory; `size` is the failed allocation, if known, `lower` the settings to lower.

    The trial is retried, because another process may have used the memory temporarily. If every attempt fails, the
    campaign decides (`nas_controller.campaigns.campaign`).
    """

    kind = "out-of-memory"

    def __init__(self, size: str | None, lower: str) -> None:
        wanted = "" if size is None else f": there was no room for {size}"
        super().__init__(f"out of memory{wanted}; lower {lower}")
        self.size = size
        self.lower = lower

    def __reduce__(self) -> tuple[type[OutOfMemoryError], tuple[str | None, str]]:
        return type(self), (self.size, self.lower)
