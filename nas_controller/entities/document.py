"""The base of all documents."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A frozen document. A subclass marks a field that responses omit with `Field(exclude=True)`."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    @cache
    def document_fields(cls) -> tuple[str, ...]:
        """The names of the fields in responses, in their order."""
        return tuple(name for name, field in cls.model_fields.items() if not field.exclude)

    def to_dict(self) -> dict[str, Any]:
        """The document as plain JSON values."""
        return {name: _json_value(getattr(self, name)) for name in self.document_fields()}


def _json_value(value: Any) -> Any:
    if isinstance(value, Document):
        return value.to_dict()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return [_json_value(each) for each in value] if isinstance(value, tuple) else value
