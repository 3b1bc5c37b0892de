"""`latency` of the campaign document: its defaults, what it excludes, and its errors."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.objective_spec import ObjectiveSpec

DEFAULTS = {"format": "onnx", "threads": 1, "runs": 20}


def document(**fields: Any) -> dict[str, Any]:
    return {"name": "n", "dataset": "d", **fields}


def latency_of(**fields: Any) -> Any:
    return CampaignSpec.model_validate(document(**fields)).model_dump(mode="json")["latency"]


def test_it_is_measured_where_it_is_asked_for_or_minimised() -> None:
    assert latency_of() is None
    assert latency_of(objective={"minimise": "params"}) is None
    assert latency_of(latency={}) == DEFAULTS
    assert latency_of(objective={"minimise": "latency"}) == DEFAULTS
    assert latency_of(objective={"minimise": "latency"}, latency=None) == DEFAULTS
    assert latency_of(objective={"minimise": "latency"}, latency={"runs": 5}) == DEFAULTS | {"runs": 5}
    assert latency_of(objective=ObjectiveSpec(minimise="latency")) == DEFAULTS


@pytest.mark.parametrize(
    ("fields", "location", "message"),
    [
        ({"latency": {"format": "litert"}}, ("latency", "format"), "'onnx'"),
        ({"latency": {"threads": 0}}, ("latency", "threads"), "greater than or equal to 1"),
        ({"latency": {"runs": 2}}, ("latency", "runs"), "greater than or equal to 3"),
        ({"latency": {"runs": "20"}}, ("latency", "runs"), "valid integer"),
        ({"latency": {"device": "gpu"}}, ("latency", "device"), "not permitted"),
        ({"latency": {}, "early_stopping": {}}, ("early_stopping",), "give either latency or early_stopping"),
        (
            {"objective": {"minimise": "latency"}, "early_stopping": {}},
            ("early_stopping",),
            "give either latency or early_stopping",
        ),
    ],
)
def test_errors_name_the_field(fields: dict[str, Any], location: tuple[str, ...], message: str) -> None:
    task = {"profile": "laptop-alone", "evaluate_steps": 100}
    with pytest.raises(ValidationError) as caught:
        CampaignSpec.model_validate(document(proxy_task=task, **fields))
    errors = {error["loc"]: error["msg"] for error in caught.value.errors()}
    assert message in errors[location]
