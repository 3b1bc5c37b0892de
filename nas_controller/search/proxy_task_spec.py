"""`proxy_task` of the campaign document: a profile, and the fields of it that a campaign changes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError
from search_space.proxy_task import FIELDS, PROFILES, ProxyTask, resolve
from search_space.proxy_task_fields import value_schema


def _describe_fields(schema: dict[str, Any]) -> None:
    """Adds the fields of `ProxyTask` to the JSON Schema, each with its limits and what the profiles have."""
    for name, field in FIELDS.items():
        values = ", ".join(f"{profile} {json.dumps(getattr(task, name))}" for profile, task in PROFILES.items())
        described = value_schema(field)
        described["description"] += f" (default, by profile: {values})"
        schema["properties"][name] = described
    schema["additionalProperties"] = False


class ProxyTaskSpec(BaseModel):
    """A profile and the fields of it that this campaign changes.

    Every field of `search_space.proxy_task.ProxyTask` may stand beside `profile`; other fields are refused. The stored
    document has the fields that were given, so they are extra fields here and are checked by `resolve`.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=_describe_fields)

    profile: str = Field(default="laptop", json_schema_extra={"enum": list(PROFILES)})

    @model_validator(mode="after")
    def _resolves(self) -> ProxyTaskSpec:
        try:
            self.resolve()
        except InvalidValueError as error:
            raise located(error, self, "proxy_task", "profile") from error
        return self

    @property
    def overrides(self) -> dict[str, Any]:
        """The fields given beside the profile."""
        return dict(self.__pydantic_extra__ or {})

    def resolve(self) -> ProxyTask:
        """The whole proxy task. Raises InvalidValueError, never after validation."""
        return resolve(self.profile, **self.overrides)
