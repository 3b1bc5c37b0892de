"""`proxy_task` of the campaign document: a profile, and the fields that a campaign overrides."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from nas_controller.search.field_descriptions import SCORING, setting
from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError
from search_space.proxy_task import FIELDS, PROFILES, ProxyTask, resolve
from search_space.proxy_task_fields import value_schema
from search_space.proxy_task_groups import GROUPS

DEFAULT_PROFILE = "laptop"
NEEDS_DATASET: dict[str, Any] = {
    "by": "proxy_task.kind",
    "values": [kind for kind in FIELDS["kind"].metadata["choices"] if kind != "synthetic"],
    "message": "the profile '{proxy_task.profile}' trains on a data set, but `dataset` is not given; give the name of "
    "a registered data set",
}
"""Which campaigns need a data set, as the hint `x-needed` of `dataset`."""


def describe_fields(schema: dict[str, Any]) -> None:
    """Adds the fields of `ProxyTask` to the JSON Schema, each with its limits and its defaults by profile."""
    for group, headings in GROUPS.items():
        for name, heading in headings.items():
            defaults = {profile: getattr(task, name) for profile, task in PROFILES.items()}
            field = {"title": heading.title, **value_schema(FIELDS[name]), "x-group": SCORING, "x-fold": group}
            field["x-defaults"] = {"by": "profile", "values": defaults}
            if heading.unit is not None:
                field["x-unit"] = heading.unit
            if heading.kinds:
                field["x-applies"] = {"to": "kind", "values": list(heading.kinds)}
            schema["properties"][name] = field
    schema["additionalProperties"] = False


class ProxyTaskSpec(BaseModel):
    """A profile and the fields that this campaign overrides.

    Every field of `search_space.proxy_task.ProxyTask` is allowed besides `profile`; other fields are refused. The
    stored document has only the fields that were given, so they are extra fields here and `resolve` checks them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=describe_fields)

    profile: str = setting(
        "Profile",
        "The preset of all fields below, which each overrides one of its values: `paper` is the published "
        "protocol, `laptop` scores slices of shared weights, `laptop-alone` trains each architecture for minutes, "
        "`smoke` trains for seconds, `synthetic` trains nothing.",
        default=DEFAULT_PROFILE,
        json_schema_extra={"enum": list(PROFILES)},
    )

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
