"""`finals` of the campaign document: its defaults, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.limits import MAX_SEED


def spec(finals: dict[str, Any] | None, **fields: Any) -> CampaignSpec:
    return CampaignSpec.model_validate({"name": "x", "dataset": "digits", "finals": finals, **fields})


def test_there_are_none_by_default() -> None:
    assert CampaignSpec.model_validate({"name": "x", "dataset": "digits"}).finals is None


@pytest.mark.parametrize(
    ("of_search", "profile"),
    [("laptop", "laptop-alone"), ("laptop-alone", "laptop-alone"), ("smoke", "smoke"), ("synthetic", "synthetic")],
)
def test_the_profile_is_that_of_the_search_unless_it_shares_weights(of_search: str, profile: str) -> None:
    found = spec({}, proxy_task={"profile": of_search})
    assert found.finals is not None
    assert (found.finals.top, found.finals.seeds) == (3, 5)
    task = found.finals_task
    assert task is not None
    assert (task.profile, task.kind == "shared") == (profile, False)


def test_fields_of_the_profile_can_be_overridden() -> None:
    found = spec({"steps": 400, "learning_rate": 0.02})
    assert found.finals is not None
    task = found.finals_task
    assert task is not None
    assert (task.profile, task.steps, task.learning_rate) == ("laptop-alone", 400, 0.02)
    assert found.finals.settings(found.proxy_task.resolve()) == {
        "profile": "laptop-alone", "steps": 400, "learning_rate": 0.02,
    }  # fmt: skip
    assert CampaignSpec.model_validate(found.model_dump(mode="json")) == found


def test_a_recipe_takes_the_place_of_a_profile() -> None:
    found = spec({"recipe": "laptop-final", "epochs": 4, "learning_rate": 0.02})
    task = found.finals_task
    assert task is not None
    assert (task.profile, task.kind, task.learning_rate) == ("laptop-final", "detection", 0.02)
    assert task.on(4000).steps == 2000
    assert found.finals is not None
    assert found.finals.settings(found.proxy_task.resolve()) == {
        "recipe": "laptop-final", "epochs": 4, "learning_rate": 0.02,
    }  # fmt: skip
    assert CampaignSpec.model_validate(found.model_dump(mode="json")) == found


def test_no_seed_is_that_of_the_campaign() -> None:
    found = spec({"seeds": 3}, seed=7)
    assert found.finals is not None
    assert list(found.finals.seed_numbers(7)) == [8, 9, 10]
    chosen = spec({"seeds": 3, "first_seed": 0}, seed=7)
    assert chosen.finals is not None
    assert list(chosen.finals.seed_numbers(7)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("finals", "fields", "field", "message"),
    [
        ({"first_seed": 5, "seeds": 3}, {"seed": 7}, "first_seed", "give 8 or more, or none"),
        ({}, {"seed": MAX_SEED}, "first_seed", f"it must be at most {MAX_SEED - 4}"),
        ({"profile": "laptop"}, {}, "profile", "give laptop-alone, or kind: detection"),
        ({"profile": "synthetic"}, {}, "profile", "only a synthetic search has such finals"),
        ({"steps": 10}, {}, "warmup_steps", "it must not be more than steps, 10"),
        ({"recipe": "laptop-final", "profile": "smoke"}, {}, "recipe", "give one of them"),
        ({"recipe": "laptop"}, {}, "recipe", "it must be one of paper, "),
        (
            {"recipe": "laptop-final", "steps": 10},
            {},
            "steps",
            "unknown field 'steps'; a recipe counts in epochs: set 'epochs'",
        ),
        ({"epochs": 10}, {}, "epochs", "unknown field 'epochs'; did you mean 'steps'?"),
        ({"top": 51}, {}, "top", "less than or equal to 50"),
        ({"timeout_seconds": 0}, {}, "timeout_seconds", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    finals: dict[str, Any], fields: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        spec(finals, **fields)
    (error,) = caught.value.errors()
    assert error["loc"] == ("finals", field)
    assert message in error["msg"]
