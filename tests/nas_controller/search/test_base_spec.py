"""The base of a search can be any architecture, such as one that an earlier search has exported."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.search.base_spec import BaseSpec
from nas_controller.search.campaign_spec import CampaignSpec
from search_space.architecture import Architecture, Operations
from search_space.document import BlockSpecification, block_specification
from search_space.published import SP_EFFICIENTNET_B0
from search_space.space import SearchSpace

LEARNED = Architecture(
    tuple(range(8, 152, 8)),
    name="digits-trial-7",
    repeats=(2,) * 9 + (1,) * 9,
    input_px=384,
    stem_width=16,
    subnet_width=40,
    subnet_layers=2,
    class_slots=3,
    operations=Operations(space_to_depth=False, activation="relu"),
)
DOCUMENT = block_specification(BlockSpecification(LEARNED, {"trial": 7, "reward": 0.25}))


def spec(base: Any, **space: Any) -> CampaignSpec:
    document = {"name": "next", "proxy_task": {"profile": "synthetic"}, "search_space": {"base": base, **space}}
    return CampaignSpec.model_validate(document)


def test_a_block_specification_is_the_base_with_everything_that_its_network_is() -> None:
    given = spec(DOCUMENT)
    space = given.search_space.build()
    assert space.base == LEARNED
    assert space.base.name == LEARNED.name
    assert space.baseline.widths == LEARNED.widths
    assert spec(DOCUMENT).search_space.build() is space
    stored = json.loads(json.dumps(given.model_dump(mode="json")))
    assert set(stored["search_space"]["base"]) == BaseSpec.model_fields.keys() - {"exported_from"}
    assert CampaignSpec.model_validate(stored) == given


def test_the_trial_that_a_base_was_exported_from_is_kept_and_changes_nothing() -> None:
    provenance = {"campaign": {"id": "c_1", "name": "digits"}, "trial": 7}
    given = spec(block_specification(BlockSpecification(LEARNED, provenance)))
    stored = given.model_dump(mode="json")
    kept = {"campaign_id": "c_1", "campaign_name": "digits", "trial": 7}
    assert stored["search_space"]["base"]["exported_from"] == kept
    assert CampaignSpec.model_validate(stored) == given
    assert "exported_from" not in spec(DOCUMENT).model_dump(mode="json")["search_space"]["base"]
    assert given.search_space.build().identity() == spec(DOCUMENT).search_space.build().identity()
    before = stored["search_space"]["base"]
    del before["exported_from"]  # as earlier versions have stored it
    assert CampaignSpec.model_validate(stored).search_space.build().base == LEARNED


def test_widths_alone_are_a_base_at_the_scale_of_d0() -> None:
    space = spec({"widths": list(SP_EFFICIENTNET_B0.widths)}).search_space.build()
    assert space.base == SP_EFFICIENTNET_B0
    assert space.identity()["base"] == SearchSpace(replace(SP_EFFICIENTNET_B0, name="other")).identity()["base"]
    assert SearchSpace(SP_EFFICIENTNET_B0) == SearchSpace()


def test_spaces_of_other_bases_differ_although_they_have_the_same_name() -> None:
    other = replace(LEARNED, repeats=(1,) * 18)
    assert SearchSpace(LEARNED) != SearchSpace(other)
    assert SearchSpace(LEARNED) == SearchSpace(replace(LEARNED, name="another name"))
    assert json.loads(json.dumps(SearchSpace(LEARNED).identity())) == SearchSpace(LEARNED).identity()


@pytest.mark.parametrize(
    ("base", "field", "message"),
    [
        (5, "", "it must be the name of a published architecture, or an object"),
        ({"widths": [8] * 17}, "widths", "should have at least 18 items"),
        ({"widths": [8] * 17 + [0]}, "widths.17", "should be greater than or equal to 1"),
        ({"widths": [8] * 18, "depth": 2}, "depth", "Extra inputs are not permitted"),
        ({"widths": [8] * 18, "operations": {"activation": "gelu"}}, "operations.activation", "'swish' or 'relu'"),
        ({**DOCUMENT, "version": 9}, "", "version is 9; it must be 1 or 2"),
        ({**DOCUMENT, "cost": {**DOCUMENT["cost"], "params": 1}}, "", "cost.params is 1; this architecture has"),
    ],
)
def test_an_invalid_base_is_an_error_at_its_field(base: Any, field: str, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        spec(base)
    error = raised.value.errors()[0]
    assert ".".join(map(str, error["loc"])) == f"search_space.base.{field}".rstrip(".")
    assert message in error["msg"]


def test_a_budget_that_the_base_cannot_meet_is_refused() -> None:
    with pytest.raises(ValidationError, match="no widths of digits-trial-7 at 384 px meet it"):
        spec(DOCUMENT, budget_madds=1)
