"""The campaign document: defaults, exact round trips, and errors at their field."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller_spec import LEARNING_RATES
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
        ({"name": "a\x9b2J"}, "name", "U+009B"),
        ({"name": "a\u202egnp"}, "name", "character 2 is U+202E"),
        ({"name": "a\u2066b"}, "name", "U+2066"),
        ({"name": "a\u2028b"}, "name", "U+2028"),
        ({"name": "two\nlines"}, "name", "U+000A"),
        ({"seed": 2**31}, "seed", "2147483647"),
        ({"search_space": {"base": "resnet"}}, "search_space.base", "sp-efficientnet-b0"),
        ({"search_space": {"budget_madds": 1000}}, "search_space.budget_madds", "1,000"),
        ({"search_space": {"mode": "rough"}}, "search_space.mode", "exact"),
        ({"search_space": {"choices": [5, 1]}}, "search_space.choices", "ascending"),
        ({"search_space": {"choices": [1]}}, "search_space.choices", "at least 2"),
        ({"search_space": {"searched_blocks": [5, 19]}}, "search_space.searched_blocks", "1 to 18"),
        ({"search_space": {"max_params": 1000}}, "search_space.max_params", "Feasible are"),
        (
            {"search_space": {"searched_blocks": [5, 7], "max_block_width": {"9": 64}}},
            "search_space.max_block_width",
            "names block 9",
        ),
        ({"search_space": {"max_block_width": 16}}, "search_space.budget_madds", "Feasible are"),
        ({"search_space": {"width_divisor": 65}}, "search_space.width_divisor", "64"),
        ({"search_space": {"mode": "paper", "max_params": 10**7}}, "search_space.max_params", "no caps"),
        ({"controller": {"policy": "random"}}, "controller.policy", "recurrent"),
        ({"controller": {"momentum": 1}}, "controller.momentum", "not permitted"),
        ({"controller": {"algorithm": "annealing"}}, "controller.algorithm", "'local-search'"),
        ({"controller": {"algorithm": ["random"]}}, "controller.algorithm", "'reinforce'"),
        ({"controller": {"repeats": "never"}}, "controller.repeats", "'count'"),
        ({"resources": {"gpus": 2.5}}, "resources.gpus", "gpus is 2.5; above 1 a trial takes whole GPUs: give 2 or 3"),
        ({"proxy_task": {"profile": "desktop"}}, "proxy_task.profile", "laptop"),
        ({"proxy_task": {"stepz": 5}}, "proxy_task.stepz", "steps"),
        ({"proxy_task": {"steps": -5}}, "proxy_task.steps", "-5"),
        ({"proxy_task": {"kind": "alone"}}, "proxy_task.kind", "shared"),
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


WHOLE = "should be a valid integer"
REAL = "should be a valid number"


@pytest.mark.parametrize("wrong", [True, False, "5", " 5 ", [5]], ids=repr)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("trials", WHOLE), ("parallelism", WHOLE), ("seed", WHOLE), ("retries", WHOLE), ("max_failures", WHOLE),
        ("max_consecutive_failures", WHOLE), ("trial_timeout_seconds", REAL), ("share", REAL),
        ("search_space.budget_madds", WHOLE), ("search_space.max_params", WHOLE), ("search_space.width_divisor", WHOLE),
        ("controller.learning_rate", REAL), ("controller.entropy_bonus", REAL), ("controller.baseline_decay", REAL),
        ("controller.importance_clip", REAL), ("controller.hidden_units", WHOLE), ("controller.population", WHOLE),
        ("controller.tournament", WHOLE), ("controller.initial", WHOLE), ("early_stopping.min_trials", WHOLE),
        ("stop.wall_seconds", REAL), ("stop.target_reward", REAL), ("stop.no_improvement_trials", WHOLE),
        ("stop.device_hours", REAL), ("resources.cpus", WHOLE), ("resources.gpus", REAL), ("resources.tpus", WHOLE),
        ("proxy_task.steps", "whole number"), ("proxy_task.learning_rate", "number"),
    ],
)  # fmt: skip
def test_a_number_of_another_type_is_refused(path: str, words: str, wrong: object) -> None:
    value: Any = wrong
    for name in reversed(path.split(".")):
        value = {name: value}
    assert words in located({**MINIMAL, **value})[path]


@pytest.mark.parametrize("path", ["trials", "seed", "retries", "search_space.width_divisor", "resources.cpus"])
def test_a_whole_number_has_no_point(path: str) -> None:
    value: Any = 8.0
    for name in reversed(path.split(".")):
        value = {name: value}
    assert WHOLE in located({**MINIMAL, **value})[path]


def test_a_whole_number_is_a_number_and_is_stored_as_the_field_has_it() -> None:
    spec = CampaignSpec.model_validate({**MINIMAL, "share": 2, "stop": {"wall_seconds": 60}, "resources": {"gpus": 1}})
    document = json.loads(spec.model_dump_json())
    assert json.dumps([document["share"], document["stop"]["wall_seconds"], document["resources"]["gpus"]]) == (
        "[2.0, 60.0, 1.0]"
    )


@pytest.mark.parametrize(
    ("space", "field", "words"),
    [
        ({"choices": [True, 5]}, "choices", "choices has True; it must have numbers alone"),
        ({"choices": [1, "5"]}, "choices", "choices has '5'"),
        ({"choices": [1, None]}, "choices", "choices has None"),
        ({"searched_blocks": ["3", 4]}, "searched_blocks.0", WHOLE),
        ({"searched_blocks": [3, True]}, "searched_blocks.1", WHOLE),
        ({"searched_blocks": [3, 4.0]}, "searched_blocks.1", WHOLE),
        ({"max_block_width": {"ten": 64}}, "max_block_width", "'ten' is no block; blocks are 1 to 18"),
        ({"max_block_width": {"0": 64}}, "max_block_width", "'0' is no block"),
        ({"max_block_width": {"19": 64}}, "max_block_width", "'19' is no block"),
        ({"max_block_width": {"010": 64}}, "max_block_width", "'010' is no block"),
        ({"max_block_width": {" 10": 64}}, "max_block_width", "' 10' is no block"),
        ({"max_block_width": {"1.0": 64}}, "max_block_width", "'1.0' is no block"),
        ({"max_block_width": {"\u0967": 64}}, "max_block_width", "'\u0967' is no block"),
        ({"max_block_width": {"": 64}}, "max_block_width", "'' is no block"),
        ({"max_block_width": {True: 64}}, "max_block_width", "True is no block"),
        ({"max_block_width": {"10": 64, 10: 72}}, "max_block_width", "a block is given twice"),
        ({"max_block_width": {"10": True}}, "max_block_width", "the width of block 10 is True"),
        ({"max_block_width": {"10": "64"}}, "max_block_width", "the width of block 10 is '64'; it must be a whole"),
        ({"max_block_width": {"10": 64.0}}, "max_block_width", "the width of block 10 is 64.0"),
        (
            {"max_block_width": True},
            "max_block_width",
            'True is neither a whole number nor a mapping such as {"10": 160}',
        ),
        ({"max_block_width": "64"}, "max_block_width", "'64' is neither a whole number nor a mapping"),
        ({"max_block_width": [64]}, "max_block_width", "[64] is neither a whole number nor a mapping"),
        ({"max_block_width": {"{x}": 64}}, "max_block_width", "'{x}' is no block"),
        ({"max_block_width": {"x" * 100_000: 64}}, "max_block_width", "xxx… is no block"),
        ({"base": "{0}"}, "base", "base is '{0}'"),
    ],
)
def test_errors_of_lists_and_block_widths_are_in_words_and_one_each(
    space: dict[str, Any], field: str, words: str
) -> None:
    ((found, message),) = located({**MINIMAL, "search_space": space}).items()
    assert found == f"search_space.{field}"
    assert words in message


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
    settable = [field.name for field in fields(ProxyTask) if field.name != "profile"]
    assert sorted(described) == sorted(["profile", *settable])
    assert schema["additionalProperties"] is False
    assert described["profile"]["enum"] == list(PROFILES)
    assert (described["steps"]["type"], described["steps"]["minimum"]) == ("integer", 0)
    assert described["schedule"]["enum"] == ["cosine", "step", "exponential"]
    assert described["flip"]["type"] == "boolean"
    assert described["schedule"]["x-defaults"]["values"]["laptop"] == "cosine"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_schema_accepts_the_same_proxy_tasks(profile: str) -> None:
    schema = CampaignSpec.model_json_schema()
    validator = Draft202012Validator({**schema["$defs"]["ProxyTaskSpec"], "$defs": schema["$defs"]})
    values = PROFILES[profile].to_dict()
    assert ProxyTaskSpec.model_validate(values).resolve() == PROFILES[profile]
    assert validator.is_valid(values)
    for wrong in ({"steps": -1}, {"steps": "many"}, {"schedule": "linear"}, {"flip": 1}, {"stepz": 5}, {"kind": "x"}):
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


def test_shared_weights_are_not_trained_on_tpus() -> None:
    errors = located({**MINIMAL, "resources": {"tpus": 1}})
    assert list(errors) == ["resources.tpus"]
    assert "tpus is 1; a task of kind shared" in errors["resources.tpus"]
    assert "XLA, which TPUs need" in errors["resources.tpus"]
    alone = CampaignSpec.model_validate(
        {**MINIMAL, "resources": {"tpus": 1}, "proxy_task": {"profile": "laptop-alone"}}
    )
    assert alone.resources.tpus == 1
