"""The words about an invalid body or parameter: what was given, and what would be right.

Each type of pydantic's errors that a request can cause has its sentence in `_SENTENCES`; a custom error comes with its
own (`nas_controller.search.validation_errors`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from api.http.allowed_range import allowed_range, body_model
from api.http.document_fields import unknown_field
from api.http.problem_documents import FieldProblem
from nas_controller.search.validation_errors import UNKNOWN_FIELD
from search_space.display import counted
from search_space.suggestions import did_you_mean, truth_hint

MAX_VALUE_LENGTH = 200
MAX_SHOWN = 60
"""Characters of a value in a sentence."""
_SEPARATED = re.compile(r"[-+]?\d{1,3}(?:[_, ']\d{3})+|[-+]?\d+(?:_\d+)+")
_SEXAGESIMAL = re.compile(r"(\d+):([0-5]?\d)(?::([0-5]?\d))?")


class InvalidDocumentError(RequestValidationError):
    """A document that is no body of a route's own type, such as a campaign after a patch, does not fit its model."""

    def __init__(self, errors: Sequence[Any], model: type[BaseModel]) -> None:
        super().__init__([{**each, "loc": ("body", *each["loc"])} for each in errors])
        self.model = model


def field_problems(request: Request, error: RequestValidationError) -> list[FieldProblem]:
    """One problem for each invalid input, without those that two dependencies report alike."""
    route = request.scope.get("route")
    model = error.model if isinstance(error, InvalidDocumentError) else body_model(route)
    problems: list[FieldProblem] = []
    for each in error.errors():
        location = each["loc"]
        known = model if location[0] == "body" else None
        message = sentence(each, allowed_range(route, location, known), known)
        problem = FieldProblem(field=dotted(location), message=message, value=truncated(each.get("input")))
        if problem not in problems:
            problems.append(problem)
    return problems


def summary(problems: Sequence[FieldProblem]) -> str:
    """The first problems in one line, each with the path of its field."""
    return "; ".join(located(problem.field, problem.message) for problem in problems[:3])


def located(field: str, message: str) -> str:
    """A message that names its field by its path: `search_space.budget_madds is 1,000; ...`."""
    leaf = field.rpartition(".")[2]
    if message.startswith("unknown field"):
        return message
    if message.startswith((f"{leaf} is ", f"{leaf} has ", f"{leaf} names ")):
        return f"{field}{message[len(leaf) :]}"
    return f"{field}: {message}"


def sentence(error: Mapping[str, Any], allowed: str | None, model: type[BaseModel] | None = None) -> str:
    """What is wrong with an input. `allowed` is its range; `model` that of the body, for fields that there are not."""
    kind, message = error["type"], str(error["msg"])
    if kind in ("extra_forbidden", UNKNOWN_FIELD):
        path = [str(part) for part in error["loc"][1:]]
        return unknown_field(model, path) or (message if kind == UNKNOWN_FIELD else "there is no such field")
    if kind in _SENTENCES:
        return _SENTENCES[kind](error, "" if allowed is None else f" ({allowed})")
    message = message.removeprefix("Value error, ")  # pydantic's, before the sentence of a validator
    return message[:1].lower() + message[1:]


def _whole(error: Mapping[str, Any], allowed: str) -> str:
    return f"{shown(error['input'])} is not a whole number{allowed}{_number_hint(error['input'], whole=True)}"


def _real(error: Mapping[str, Any], allowed: str) -> str:
    return f"{shown(error['input'])} is not a number{allowed}{_number_hint(error['input'], whole=False)}"


def _number_hint(value: Any, *, whole: bool) -> str:
    """What to write instead of something that looks like a number."""
    if isinstance(value, float) and whole:
        return f"; write {int(value)}" if value.is_integer() and abs(value) < 1e15 else ""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if re.fullmatch(r"[-+]?\d+" if whole else r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text):
        return "; it is a text: leave its quotes out"
    if _SEPARATED.fullmatch(text):
        return f"; write {re.sub(r'[^-+0-9]', '', text)}"
    if (time := _SEXAGESIMAL.fullmatch(text)) is not None:
        parts = [int(part) for part in time.groups() if part is not None]
        seconds = sum(part * 60**power for power, part in enumerate(reversed(parts)))
        return f"; YAML reads it as a text, write the number, such as {seconds}"
    return ""


def _truth(error: Mapping[str, Any], _: str) -> str:
    return f"{shown(error['input'])} is neither true nor false{truth_hint(error['input'])}"


def _text(error: Mapping[str, Any], _: str) -> str:
    value = error["input"]
    if isinstance(value, bool) or value is None:
        kind = "nothing" if value is None else "true or false"
        return f"{shown(value)} is read as {kind}, not as a text; quote it: '{json.dumps(value)}'"
    if isinstance(value, (int, float)):
        return f"{shown(value)} is read as a number, not as a text; quote it: '{value}'"
    return f"{shown(value)} is not a text"


def _bound(error: Mapping[str, Any], allowed: str) -> str:
    value = error["input"]
    number = value if isinstance(value, str) else shown(value)  # one of an address is a text by nature
    return f"{number} is out of range{f'; it must be {allowed[2:-1]}' if allowed else f': {_lowered(error)}'}"


def _length(error: Mapping[str, Any], allowed: str) -> str:
    value = error["input"]
    unit = "character" if isinstance(value, str) else "entry"
    count = counted(len(value), unit) if hasattr(value, "__len__") else "too much"
    wanted = allowed[2:-1].removesuffix(" long") or _lowered(error)
    if isinstance(value, str) and not value.strip():
        return f"it is empty; it must have {wanted} {unit}s"
    return f"it has {count}; it must have {wanted}"


def _one_of(error: Mapping[str, Any], _: str) -> str:
    expected = str(error.get("ctx", {}).get("expected", ""))
    choices, value = re.findall(r"'([^']*)'", expected), error["input"]
    known = ", ".join(repr(each) for each in choices) or expected
    return f"{shown(value)} is not one of {known}{did_you_mean(value, choices)}"


def _group(error: Mapping[str, Any], _: str) -> str:
    return f'{shown(error["input"])} is not a group of fields, such as {{"field": value}}'


def _list(error: Mapping[str, Any], _: str) -> str:
    return f"{shown(error['input'])} is not a list, such as [1, 2]"


def _missing(error: Mapping[str, Any], _: str) -> str:
    return "this field is required"


def _lowered(error: Mapping[str, Any]) -> str:
    message = str(error["msg"])
    return message[:1].lower() + message[1:]


_SENTENCES: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "missing": _missing,
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), _whole),
    **dict.fromkeys(("float_parsing", "float_type"), _real),
    **dict.fromkeys(("bool_parsing", "bool_type"), _truth),
    "string_type": _text,
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"), _bound),
    **dict.fromkeys(("string_too_short", "string_too_long", "too_short", "too_long"), _length),
    **dict.fromkeys(("literal_error", "enum"), _one_of),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "dataclass_type"), _group),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), _list),
}


def dotted(location: Sequence[int | str]) -> str:
    """`("body", "proxy_task", "steps")` as `proxy_task.steps`; the body itself is `body`. Of a repeated parameter of
    the query, the name alone.
    """
    if location[0] == "query":
        return str(location[1])
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def shown(value: Any) -> str:
    """A value in a sentence: a text in single quotes, anything else as JSON; its beginning if it is long."""
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= MAX_SHOWN else f"'{value[:MAX_SHOWN]}…'"
    text = str(truncated(value) if isinstance(value, float) else _json(value))
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def truncated(value: Any) -> Any:
    """The value if it is short and valid JSON, else the start of its text."""
    text = _json(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        value = text
    return value if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
