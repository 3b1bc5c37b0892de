"""The campaign document: defaults, exact round trips, and errors at their field."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from nas_controller.search.campaign_spec import LEARNING_RATES, CampaignSpec
from nas_controller.search.proxy_task_spec import ProxyTaskSpec
from nas_controller.search.search_space_spec import SearchSpaceSpec
from search_space.proxy_task import PROFILES, ProxyTask

MINIMAL = {"name": "digits", "dataset": "digits"}


def located(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        CampaignSpec.model_validate(document)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def test_every_field_except_name_and_data_set_has_a_default() -> None:
    spec = CampaignSpec.model_validate(MINIMAL)
    assert spec.trials == 12
    assert spec.parallelism == 1
    assert spec.proxy_task.resolve().profile == "laptop"
    assert spec.search_space.build().budget_madds > 0
    assert spec.controller.learning_rate == LEARNING_RATES["recurrent"]


def test_the_documented_body_is_accepted_and_round_trips_through_json() -> None:
    spec = CampaignSpec.model_validate(
        {
            "name": "digits",
            "dataset": "digits",
            "trials": 12,
            "parallelism": 1,
            "seed": 1,
            "search_space": {"base": "sp-efficientnet-b0", "budget_madds": None, "mode": "exact"},
            "controller": {"policy": "recurrent"},
            "proxy_task": {"profile": "laptop", "steps": 123, "learning_rate": 0.1},
        }
    )
    again = CampaignSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.proxy_task.overrides == {"steps": 123, "learning_rate": 0.1}
    assert again.proxy_task.resolve().steps == 123


def test_the_learning_rate_defaults_to_that_of_the_policy() -> None:
    for policy, rate in LEARNING_RATES.items():
        spec = CampaignSpec.model_validate({**MINIMAL, "controller": {"policy": policy}})
        assert spec.controller.settings().learning_rate == rate
    given = CampaignSpec.model_validate({**MINIMAL, "controller": {"learning_rate": 0.5}})
    assert given.controller.learning_rate == 0.5


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"colour": 1}, "colour", "not permitted"),
        ({"name": "  "}, "name", "at least 1"),
        ({"trials": 0}, "trials", "greater than or equal to 1"),
        ({"dataset": None}, "dataset", "laptop"),
        ({"dataset": "../etc"}, "dataset", "'../etc' is not a data set name"),
        ({"dataset": "d" * 65}, "dataset", "at most 64 characters"),
        ({"name": "a\0b"}, "name", "no control characters; character 2 is U+0000"),
        ({"name": "a\x1b[2J"}, "name", "U+001B"),
        ({"seed": 2**31}, "seed", "2147483647"),
        ({"search_space": {"base": "resnet"}}, "search_space.base", "sp-efficientnet-b0"),
        ({"search_space": {"budget_madds": 1000}}, "search_space.budget_madds", "1,000"),
        ({"search_space": {"mode": "rough"}}, "search_space.mode", "exact"),
        ({"search_space": {"choices": [5, 1]}}, "search_space.choices", "ascending"),
        ({"search_space": {"choices": [1]}}, "search_space.choices", "at least 2"),
        ({"search_space": {"searched_blocks": [5, 19]}}, "search_space.searched_blocks", "1 to 18"),
        ({"search_space": {"max_params": 1000}}, "search_space.max_params", "Feasible are"),
        ({"search_space": {"max_block_width": {"19": 64}}}, "search_space.max_block_width", "block 19"),
        ({"search_space": {"max_block_width": 16}}, "search_space.budget_madds", "Feasible are"),
        ({"search_space": {"width_divisor": 65}}, "search_space.width_divisor", "64"),
        ({"search_space": {"mode": "paper", "max_params": 10**7}}, "search_space.max_params", "no caps"),
        ({"controller": {"policy": "random"}}, "controller.policy", "recurrent"),
        ({"controller": {"momentum": 1}}, "controller.momentum", "not permitted"),
        ({"proxy_task": {"profile": "desktop"}}, "proxy_task.profile", "laptop"),
        ({"proxy_task": {"stepz": 5}}, "proxy_task.stepz", "steps"),
        ({"proxy_task": {"steps": -5}}, "proxy_task.steps", "-5"),
        ({"proxy_task": {"kind": "synthetic"}}, "proxy_task.kind", "kind"),
    ],
)
def test_errors_name_the_field_and_the_allowed_values(changes: dict[str, Any], field: str, message: str) -> None:
    errors = located({**MINIMAL, **changes})
    assert message in errors[field]


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"search_space": {"budget_madds": 1000}}, 1000),
        ({"search_space": {"base": "resnet"}}, "resnet"),
        ({"proxy_task": {"profile": "desktop"}}, "desktop"),
        ({"proxy_task": {"stepz": 5}}, 5),
        ({"proxy_task": {"steps": [7]}}, [7]),
        ({"proxy_task": {"scale_min": 3.0}}, 3.0),
        ({"dataset": "../etc"}, "../etc"),
    ],
)
def test_errors_have_the_given_value(changes: dict[str, Any], value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        CampaignSpec.model_validate({**MINIMAL, **changes})
    assert [error["input"] for error in caught.value.errors()] == [value]


def test_a_name_may_have_any_letters_and_a_data_set_name_64() -> None:
    spec = CampaignSpec.model_validate({"name": " Größe 尺寸 👩\u200d🔬 ", "dataset": "d" * 64, "seed": 2**31 - 1})
    assert spec.name == "Größe 尺寸 👩\u200d🔬"


def test_all_errors_are_reported_together() -> None:
    errors = located({"dataset": "d", "trials": -1, "search_space": {"budget_madds": 7}})
    assert {"name", "trials", "search_space.budget_madds"} <= set(errors)


def test_a_search_space_with_limits_round_trips_through_json() -> None:
    space = {"searched_blocks": [5, 7, 9], "max_block_width": {"5": 128}, "choices": [0.5, 1, 2], "width_divisor": 4}
    spec = CampaignSpec.model_validate({**MINIMAL, "search_space": space})
    again = CampaignSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    built = again.search_space.build()
    assert built.searched_blocks == (5, 7, 9)
    assert built.choices == (0.5, 1, 2)


def test_a_synthetic_campaign_needs_no_data_set() -> None:
    spec = CampaignSpec.model_validate({"name": "s", "proxy_task": {"profile": "synthetic", "seconds": 0.5}})
    assert spec.dataset is None
    assert spec.proxy_task.resolve().seconds == 0.5


def test_the_schema_has_every_field_of_a_proxy_task_with_its_limits() -> None:
    schema = CampaignSpec.model_json_schema()["$defs"]["ProxyTaskSpec"]
    described = schema["properties"]
    settable = [field.name for field in fields(ProxyTask) if field.name not in ("profile", "kind")]
    assert list(described) == ["profile", *settable]
    assert schema["additionalProperties"] is False
    assert described["profile"]["enum"] == list(PROFILES)
    assert (described["steps"]["type"], described["steps"]["minimum"]) == ("integer", 1)
    assert described["schedule"]["enum"] == ["cosine", "step"]
    assert described["flip"]["type"] == "boolean"
    assert 'laptop "cosine"' in described["schedule"]["description"]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_schema_accepts_the_same_proxy_tasks(profile: str) -> None:
    schema = CampaignSpec.model_json_schema()
    validator = Draft202012Validator({**schema["$defs"]["ProxyTaskSpec"], "$defs": schema["$defs"]})
    values = {name: value for name, value in PROFILES[profile].to_dict().items() if name != "kind"}
    assert ProxyTaskSpec.model_validate(values).resolve() == PROFILES[profile]
    assert validator.is_valid(values)
    for wrong in ({"steps": 0}, {"steps": "many"}, {"schedule": "linear"}, {"flip": 1}, {"stepz": 5}, {"kind": "x"}):
        assert not validator.is_valid({**values, **wrong})
        assert located({**MINIMAL, "proxy_task": {"profile": profile, **wrong}})


def test_the_stored_document_has_the_given_fields_unchanged() -> None:
    given = {"profile": "laptop", "steps": 300, "learning_rate": 1, "flip": False}
    spec = CampaignSpec.model_validate({**MINIMAL, "proxy_task": given})
    assert json.dumps(spec.model_dump(mode="json")["proxy_task"]) == json.dumps(given)
    assert CampaignSpec.model_validate(MINIMAL).model_dump(mode="json")["proxy_task"] == {"profile": "laptop"}


def test_equal_documents_share_one_search_space() -> None:
    documents = ({}, {"budget_madds": None}, {"max_block_width": {"5": 128}}, {"max_block_width": {"5": 136}})
    default, same, capped, other = (SearchSpaceSpec.model_validate(document) for document in documents)
    assert default.build() is same.build()
    assert capped.build() is capped.build()
    assert capped.build() is not other.build()
    assert capped.build() is not default.build()
