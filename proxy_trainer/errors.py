"""Why a trial cannot give a reward, named by the reaction that the error needs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from search_space.errors import EffspineError

Reaction = Literal["retry", "give_up", "stop"]


class TrialError(EffspineError):
    """Base of the errors of a trial.

    `reaction` says what the campaign does: `retry` the trial elsewhere, `give_up` this trial and go on with
    reward 0, or `stop` the campaign, since every further trial would fail in the same way. `kind` is the error's name
    in the record; it never changes, whatever becomes of the message.
    """

    reaction: ClassVar[Reaction] = "retry"
    kind: ClassVar[str] = "unexpected"


class DataError(TrialError):
    """The data set cannot be used as it is; the message names the file and what is wrong with it."""

    reaction = "stop"
    kind = "data"


class UnreadableImageError(DataError):
    """An image file is missing, truncated or not an image; `path` names it."""

    kind = "unreadable-image"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"cannot read the image {path}: {why}")
        self.path = path
        self._why = why

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[Path, str]]:
        return type(self), (self.path, self._why)


class EmptySplitError(DataError):
    """A split has nothing to train on or to be scored against."""

    kind = "empty-split"


class EmptyReservedSetError(EmptySplitError):
    """The reserved images are none, or have no box to score against, so no trial can have a reward."""

    kind = "empty-reserved-set"


class NonFiniteLossError(TrialError):
    """Training left the finite numbers; this architecture at this learning rate is given up."""

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


class StartDivergedError(NonFiniteLossError):
    """The training of the common start left the finite numbers, so that no trial can begin."""

    reaction = "stop"
    kind = "start-diverged"

    def __str__(self) -> str:
        return f"the common start: {super().__str__()}; lower start_learning_rate"


class OutOfMemoryError(TrialError):
    """Training or scoring asked for more memory than there is; `size` says for how much, where that is known.

    Worth a retry, since another process may have had the memory for a moment. Where every attempt ends so, the
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
