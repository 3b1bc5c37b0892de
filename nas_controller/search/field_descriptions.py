"""What the JSON Schema of the campaign document says of a field besides its type and limits, for people and for forms.

Keywords that begin with `x-` are not of JSON Schema:

- `x-group`: the group of a form that the field, or the object with all its fields, belongs to (GROUPS);
- `x-fold`: title of the part of its group that a form folds away;
- `x-unit`: the unit of its values;
- `x-null`: what null means, in a few words;
- `x-defaults`: the default by the value of another field of the object: `{"by": "policy", "values": {...}}`;
- `x-applies`: the values of another field of the object that the field is read with: `{"to": "kind", "values": [...]}`;
- `x-range`: the field of a dry run that has the smallest and largest value, and the default;
- `x-source`: the list of the service whose names are the values;
- `x-needed`: the values of another field with which null is refused, and the sentence that says so, which names values
  of fields as `{proxy_task.profile}`: `{"by": "proxy_task.kind", "values": [...], "message": "..."}`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

CAMPAIGN, SPACE, SCORING, SEARCHER, OBJECTIVE, FINALS, STOP, RESOURCES = GROUPS = (
    "Campaign", "What to search", "How to score", "Searcher", "Objective", "Finals", "Stop conditions", "Resources",
)  # fmt: skip

_HINTS = ("group", "fold", "unit", "null", "defaults", "applies", "range", "source", "needed")


def setting(title: str, description: str, **arguments: Any) -> Any:
    """A field of the campaign document: hints have no `x-` here, other arguments are those of pydantic's `Field`."""
    hints = {f"x-{name}": arguments.pop(name) for name in _HINTS if name in arguments}
    extra = arguments.pop("json_schema_extra", {}) | hints
    return Field(title=title, description=description, json_schema_extra=extra or None, **arguments)
