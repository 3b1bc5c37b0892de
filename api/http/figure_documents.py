"""Response models of figures, derived from the named tuples of `nas_controller.campaigns.figures`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from nas_controller.campaigns.figures import FIGURES


def figure_document(name: str) -> type[BaseModel]:
    """The response model of the figure `name`."""
    return _model(get_type_hints(FIGURES[name])["return"])


@cache
def _model(figure: Callable[..., Any]) -> type[BaseModel]:
    """A model with the fields of a named tuple."""
    fields: dict[str, Any] = {name: (_field_type(hint), ...) for name, hint in get_type_hints(figure).items()}
    model: type[BaseModel] = create_model(
        f"{figure.__name__}Document", __config__=ConfigDict(extra="forbid"), __doc__=figure.__doc__, **fields
    )
    return model


def _field_type(hint: Any) -> Any:
    """The hint, or a list of models for a list of named tuples."""
    if get_origin(hint) is list and hasattr(item := get_args(hint)[0], "_fields"):
        return list[_model(item)]  # type: ignore[misc]
    return hint
