"""A value out of its range is rejected with the allowed range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from tests.support.recorder import SYNTHETIC, Recorder

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def bounded(schema: dict[str, Any], document: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The bounded numbers of a JSON Schema: dotted path and schema."""
    if "$ref" in schema:
        schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
    if any(bound in schema for bound in BOUNDS):
        yield ".".join(path), schema
    for member in schema.get("anyOf", []):
        yield from bounded(member, document, path)
    for name, inner in schema.get("properties", {}).items():
        yield from bounded(inner, document, (*path, name))


WHOLE = CampaignSpec.model_json_schema()
FIELDS = dict(bounded(WHOLE, WHOLE))


def out_of_range(schema: dict[str, Any]) -> Iterator[float]:
    """A value below the range, and one above it."""
    yield schema.get("minimum", schema.get("exclusiveMinimum")) - 1
    yield schema.get("maximum", schema.get("exclusiveMaximum")) + 1


def formatted(number: float) -> str:
    return f"{int(number) if number == int(number) else number:,}"


@pytest.mark.parametrize("field", FIELDS)
def test_every_bounded_field_of_a_campaign_reports_its_range(service: TestClient, store: Store, field: str) -> None:
    *outer, name = field.split(".")
    bounds = [formatted(FIELDS[field][bound]) for bound in BOUNDS if bound in FIELDS[field]]
    assert len(bounds) == 2
    for value in (*out_of_range(FIELDS[field]), "many"):
        document: dict[str, Any] = {"name": "x", "proxy_task": dict(SYNTHETIC)}
        inner = document
        for step in outer:
            inner = inner.setdefault(step, {})
        applies = FIELDS[field].get("x-applies", {"to": "profile"})
        if applies["to"] == "recipe":
            inner["recipe"] = applies["values"][0]
        inner[name] = value
        response = service.post("/v1/campaigns", json=document)
        assert response.status_code == 422
        (error,) = [item for item in response.json()["errors"] if item["field"] == field]
        assert all(bound in error["message"] for bound in bounds), error
        assert error["value"] == value
    assert store.reads.list_campaigns().items == ()


def test_ranges_are_checked_in_every_part_of_a_campaign() -> None:
    assert {field.partition(".")[0] for field in FIELDS} >= {"trials", "search_space", "controller", "stop"}


@pytest.mark.parametrize("budget", [-1, 0, 1_000, 10**15])
def test_an_infeasible_budget_reports_the_feasible_range(service: TestClient, budget: int) -> None:
    document = {"name": "x", "proxy_task": SYNTHETIC, "search_space": {"budget_madds": budget}}
    (error,) = service.post("/v1/campaigns", json=document).json()["errors"]
    assert error["field"] == "search_space.budget_madds"
    assert "Feasible are 647,488,064 to 19,246,895,504,387 multi-adds" in error["message"]


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("?limit=0", "limit", "0 is out of range; it must be 1 to 1,000"),
        ("?limit=1001", "limit", "1001 is out of range; it must be 1 to 1,000"),
        ("?limit=x", "limit", "1 to 1,000"),
        ("/{id}/trials?limit=0", "limit", "1 to 1,000"),
        ("/{id}/best?k=1001", "k", "1 to 1,000"),
        ("/{id}/trials/-1", "number", "0 or more"),
        ("/{id}/events?after=-1", "after", "0 or more"),
        ("/{id}/exports/json?trial=-1", "trial", "0 or more"),
        ("?state=asleep", "state", "'pending'"),
        ("/" + "a" * 65, "campaign_id", "it has 65 characters; it must have 0 to 64"),
    ],
)
def test_parameters_report_their_range_once(
    service: TestClient, store: Store, path: str, field: str, message: str
) -> None:
    response = service.get("/v1/campaigns" + path.format(id=Recorder(store).id))
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]
