"""The JSON Schema of the campaign document says all that a form needs, and agrees with the specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from nas_controller.entities import DryRunDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller_spec import ControllerSpec
from nas_controller.search.field_descriptions import GROUPS
from search_space.proxy_task import FIELDS, PROFILES, resolve
from search_space.proxy_task_groups import GROUPS as TASK_GROUPS

SCHEMA: dict[str, Any] = CampaignSpec.model_json_schema()
OBJECTS: dict[str, dict[str, Any]] = {"CampaignSpec": SCHEMA, **SCHEMA["$defs"]}


def fields() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every field of every object: its path, itself, and the object."""
    for name, schema in OBJECTS.items():
        for field, described in schema["properties"].items():
            yield f"{name}.{field}", described, schema


def forms(field: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a field's values."""
    return [{**field, **form} for form in field.get("anyOf", [field])]


@pytest.mark.parametrize(
    ("path", "field", "owner"), list(fields()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_field_has_a_title_a_description_and_a_default_or_is_required(
    path: str, field: dict[str, Any], owner: dict[str, Any]
) -> None:
    name = path.rpartition(".")[2]
    assert field["title"][0].isupper()
    assert len(field["description"]) > 10
    assert "default" in field or "x-defaults" in field or name in owner["required"]
    assert field.get("x-fold") is None or field["x-fold"][0].isupper()


def test_every_number_has_limits_or_a_range_that_a_dry_run_gives() -> None:
    unlimited = set()
    for path, field, _ in fields():
        for form in forms(field):
            low = {"minimum", "exclusiveMinimum"} & form.keys()
            high = {"maximum", "exclusiveMaximum"} & form.keys()
            if form.get("type") in ("integer", "number") and not (low and high):
                unlimited.add(path)
                assert form.get("x-range", "feasible_madds") in DryRunDocument.model_fields
    # The feasible ranges of the last two depend on the other fields, and their errors name them.
    assert unlimited == {
        "SearchSpaceSpec.budget_madds", "SearchSpaceSpec.max_params", "SearchSpaceSpec.max_block_width"
    }  # fmt: skip


def test_every_field_of_the_campaign_belongs_to_a_group_and_every_group_has_one() -> None:
    groups = {field["x-group"] for field in SCHEMA["properties"].values()}
    assert tuple(SCHEMA["x-groups"]) == GROUPS
    assert groups == set(GROUPS)


def test_hints_name_fields_of_the_same_object_and_their_values() -> None:
    seen = 0
    for path, field, owner in fields():
        for hint, key in (("x-defaults", "by"), ("x-applies", "to")):
            if hint not in field:
                continue
            seen += 1
            other = owner["properties"][field[hint][key]]
            allowed = {value for form in forms(other) for value in form.get("enum", [form.get("const")])}
            values = field[hint]["values"]
            assert set(values) <= allowed or (path.startswith("FinalsSpec") and set(values) - allowed == {"shared"})
    assert seen > 50


def test_the_groups_of_a_proxy_task_have_each_field_once() -> None:
    grouped = [name for group in TASK_GROUPS.values() for name in group]
    assert sorted(grouped) == sorted(FIELDS)


def test_defaults_by_profile_are_those_of_the_profiles() -> None:
    for owner in ("ProxyTaskSpec", "FinalsSpec"):
        for name in FIELDS:
            defaults = OBJECTS[owner]["properties"][name]["x-defaults"]
            assert defaults == {"by": "profile", "values": {each: getattr(resolve(each), name) for each in PROFILES}}


@pytest.mark.parametrize("algorithm", ControllerSpec.model_json_schema()["properties"]["algorithm"]["enum"])
def test_settings_apply_to_the_algorithm_that_reads_them_with_their_default(algorithm: str) -> None:
    stored = ControllerSpec.model_validate({"algorithm": algorithm})
    for name, field in OBJECTS["ControllerSpec"]["properties"].items():
        if name in ("algorithm", "repeats"):
            continue
        applies = algorithm in field["x-applies"]["values"]
        defaults = field["x-defaults"]
        default = defaults["values"].get(getattr(stored, defaults["by"])) if applies else None
        assert getattr(stored, name) == default
        if not applies:
            value = next(iter(defaults["values"].values()))
            with pytest.raises(ValidationError, match="does not read it"):
                ControllerSpec.model_validate({"algorithm": algorithm, name: value})


def test_the_schema_accepts_a_stored_specification() -> None:
    validator = Draft202012Validator(SCHEMA)
    document: dict[str, Any] = {"name": "x", "proxy_task": {"profile": "synthetic"}, "finals": {}, "stop": {}}
    validator.validate(document)
    validator.validate(CampaignSpec.model_validate(document).model_dump(mode="json"))
    assert not validator.is_valid({**document, "trials": 0})
    assert not validator.is_valid({**document, "finals": {"kind": "shared"}})
