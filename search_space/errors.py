"""Errors with messages for the user, raised by every package."""

from __future__ import annotations

from typing import Literal

Reaction = Literal["retry", "give_up", "stop", "wait"]
"""What a campaign does about the error of a trial; see `proxy_trainer.errors.TrialError`."""

DATA_AWAY, DATA_CHANGED, SHARED_WEIGHTS_CHANGED = "data-away", "data-changed", "shared-weights-changed"
"""Kinds of errors that both the trainer and the controller raise."""


class EffspineError(Exception):
    """Base of all errors whose message is for the user.

    `field` is the dotted path of the wrong input (`search_space.budget_madds`), or None. `value` is the given value,
    where a caller should report it apart from the message.
    """

    def __init__(self, message: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class InvalidValueError(EffspineError, ValueError):
    """An input value is wrong; the message names the value and says what would be right."""


class UnknownFieldError(InvalidValueError):
    """A document has a field that there is not; the message names the nearest one, or all."""


class BudgetError(InvalidValueError):
    """No widths of the search space meet the budget; the message gives the feasible range."""
