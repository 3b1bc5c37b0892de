"""Example responses of the OpenAPI document against the response models of their routes."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from api.http.app import ROUTERS
from api.http.examples import EXAMPLE_RESPONSES
from nas_controller.store.schema import HEAD

MODELS = {
    (method.lower(), route.path): route.response_model
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in route.methods
}


@pytest.mark.parametrize("operation", EXAMPLE_RESPONSES, ids=" ".join)
def test_every_example_response_equals_its_model(operation: tuple[str, str]) -> None:
    model: TypeAdapter[Any] = TypeAdapter(MODELS[operation])
    example = EXAMPLE_RESPONSES[operation]
    assert model.dump_python(model.validate_python(example), mode="json") == example


def test_the_example_of_readiness_has_the_schema_revision_of_this_version() -> None:
    assert EXAMPLE_RESPONSES["get", "/readyz"]["schema_revision"] == HEAD


def test_every_route_that_sends_a_json_document_has_a_typed_response_model() -> None:
    without = {path for (method, path), model in MODELS.items() if model is None and method != "delete"}
    assert without == {
        "/v1/campaigns/{campaign_id}/events",
        "/v1/campaigns/{campaign_id}/exports/{format}",
        "/v1/campaigns/{campaign_id}/figures/{name}.pdf",
        "/v1/campaigns/{campaign_id}/figures/{name}.svg",
        "/v1/campaigns/{campaign_id}/trials/{number}/figures/curve.pdf",
        "/v1/campaigns/{campaign_id}/trials/{number}/figures/curve.svg",
        "/v1/trainings/{training_id}/figures/curve.pdf",
        "/v1/trainings/{training_id}/figures/curve.svg",
        "/v1/compare.pdf",
        "/v1/compare.svg",
        "/v1/campaigns/{campaign_id}/report",
        "/v1/trainings/{training_id}/events",
        "/v1/trainings/{training_id}/exports/{format}",
        "/v1/trainings/{training_id}/model",
        "/v1/exports/{export_id}/file",
        "/v1/exports/{export_id}/pictures/{name}",
        "/v1/datasets/{name}/preview",
        "/v1/schemas/block-specification",
        "/v1/schemas/campaign",
        "/v1/schemas/training",
        "/metrics",
    }
    assert not [operation for operation, model in MODELS.items() if model in (Any, dict, dict[str, Any])]
