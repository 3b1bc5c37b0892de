"""Converts errors of the search space and the proxy task to pydantic errors at their field of the document."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from search_space.errors import BudgetError, InvalidValueError, UnknownFieldError

UNKNOWN_FIELD = "unknown_field"
"""Kind of the pydantic error for a field that a proxy task does not have."""


def refused(error: InvalidValueError, kind: str) -> PydanticCustomError:
    """The error as pydantic's. Without a context its message is no template, so braces stay as they are."""
    return PydanticCustomError(kind, str(error))


def located(error: InvalidValueError, model: BaseModel, outer: str, fallback: str) -> ValidationError:
    """The error as a pydantic error, with the model's value of the error's field.

    The location is relative to `outer`; an error without a field is located at `fallback`.
    """
    path = (error.field or f"{outer}.{fallback}").split(".")
    location = tuple(path[1:] if path[0] == outer and len(path) > 1 else path)
    kinds = {BudgetError: "budget", UnknownFieldError: UNKNOWN_FIELD}
    kind = kinds.get(type(error), "invalid_value")
    value = getattr(model, location[-1], None)
    detail = InitErrorDetails(type=refused(error, kind), loc=location, input=value)
    return ValidationError.from_exception_data(outer, [detail])
