"""Errors whose message is fit for a person, raised by every package."""

from __future__ import annotations


class EffspineError(Exception):
    """Base of every error whose message is written for a person.

    `field` names the input that is wrong as a dotted path (`search_space.budget_madds`), or is None; `value` is the
    value that was given there, where a caller should show it apart from the message.
    """

    def __init__(self, message: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class InvalidValueError(EffspineError, ValueError):
    """An input value is wrong; the message names the value and says what would be right."""


class BudgetError(InvalidValueError):
    """No widths of the search space meet the budget; the message gives the feasible range."""
