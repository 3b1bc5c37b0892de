"""`proxy_task` of the campaign document: a profile, and the fields that a campaign overrides."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError
from search_space.proxy_task import FIELDS, PROFILES, ProxyTask, resolve
from search_space.proxy_task_fields import value_schema


def describe_fields(schema: dict[str, Any]) -> None:
    """Adds the fields of `ProxyTask` to the JSON Schema, each with its limits and its defaults by profile."""
    for name, field in FIELDS.items():
        values = ", ".join(f"{profile} {json.dumps(getattr(task, name))}" for profile, task in PROFILES.items())
        field_schema = value_schema(field)
        field_schema["description"] += f" (default, by profile: {values})"
        schema["properties"][name] = field_schema
    schema["additionalProperties"] = False


DEFAULT_PROFILE = "laptop"


class ProxyTaskSpec(BaseModel):
    """A profile and the fields that this campaign overrides.

    Every field of `search_space.proxy_task.ProxyTask` is allowed besides `profile`; other fields are refused. The
    stored document has only the fields that were given, so they are extra fields here and `resolve` checks them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=describe_fields)

    profile: str = Field(default=DEFAULT_PROFILE, json_schema_extra={"enum": list(PROFILES)})

    @model_validator(mode="after")
    def _resolves(self) -> ProxyTaskSpec:
        try:
            self.resolve()
        except InvalidValueError as error:
            raise located(error, self, "proxy_task", "profile") from error
        return self

    @property
    def overrides(self) -> dict[str, Any]:
        """The fields given besides the profile."""
        return dict(self.__pydantic_extra__ or {})

    def resolve(self) -> ProxyTask:
        """The complete proxy task. Raises InvalidValueError, but not after validation."""
        return resolve(self.profile, **self.overrides)
