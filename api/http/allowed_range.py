"""Formats the allowed range of an input from the constraints of its declaration: `1 to 100,000`, `above 0 and at most
1`. Error messages name the whole range, not only the bound that was exceeded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def body_model(route: object) -> type[BaseModel] | None:
    """The model of a route's body; None where it has none."""
    if not isinstance(route, APIRoute) or not route.dependant.body_params:
        return None
    return _model(route.dependant.body_params[0].field_info.annotation)


def allowed_range(route: object, location: Sequence[int | str], model: type[BaseModel] | None) -> str | None:
    """The range of the input at an error's location, such as `("body", "stop", "wall_seconds")`; None without one.

    `model` is that of the body.
    """
    if not isinstance(route, APIRoute) or len(location) < 2:
        return None
    source, *names = location
    dependant = route.dependant
    if source == "body":
        field = _nested_field(model, names)
    else:
        parameters = {"query": dependant.query_params, "path": dependant.path_params}.get(str(source), [])
        field = next((parameter.field_info for parameter in parameters if parameter.alias == names[0]), None)
    return None if field is None else _formatted(_constraints(field))


def _nested_field(annotation: Any, names: Sequence[int | str]) -> FieldInfo | None:
    """The field at a path of names in a model."""
    model = _model(annotation)
    field = None if model is None else model.model_fields.get(str(names[0]))
    if field is None or len(names) == 1:
        return field
    return _nested_field(field.annotation, names[1:])


def _model(annotation: Any) -> type[BaseModel] | None:
    types = _member_types(annotation)
    return next((kind for kind in types if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _member_types(annotation: Any) -> list[Any]:
    """The members of a union, without `Annotated`; for any other type, that type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _member_types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for argument in get_args(annotation) for member in _member_types(argument)]
    return [annotation]


def _constraints(field: FieldInfo) -> list[Any]:
    """The constraints of a field, groups expanded."""
    constraints: list[Any] = []
    for constraint in field.metadata:
        constraints += list(_expanded(constraint))
    return constraints


def _expanded(constraint: Any) -> Iterable[Any]:
    return constraint if isinstance(constraint, GroupedMetadata) else (constraint,)


def _formatted(constraints: Sequence[Any]) -> str | None:
    bounds = {type(constraint): constraint for constraint in constraints}
    max_length = bounds.get(MaxLen)
    if max_length:
        min_length = bounds.get(MinLen, MinLen(0))
        return f"{_number(min_length.min_length)} to {_number(max_length.max_length)} long"
    if Ge in bounds and Le in bounds:
        return f"{_number(bounds[Ge].ge)} to {_number(bounds[Le].le)}"
    parts = [
        f"{_number(bounds[Ge].ge)} or more" if Ge in bounds else "",
        f"above {_number(bounds[Gt].gt)}" if Gt in bounds else "",
        f"at most {_number(bounds[Le].le)}" if Le in bounds else "",
        f"below {_number(bounds[Lt].lt)}" if Lt in bounds else "",
    ]
    return " and ".join(part for part in parts if part) or None


def _number(value: Any) -> str:
    return f"{int(value) if value == int(value) else value:,}"
