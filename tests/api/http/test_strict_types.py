"""Bodies take no other type for a number; parameters of an address are texts by nature."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.store import Store
from tests.support.recorder import SYNTHETIC, Recorder


@pytest.mark.parametrize("changes", [{"trials": True}, {"share": "2"}, {"stop": {"device_hours": False}}])
def test_a_change_and_an_estimate_are_as_strict(service: TestClient, store: Store, changes: dict[str, Any]) -> None:
    campaign_id = Recorder(store).id
    patched = service.patch(f"/v1/campaigns/{campaign_id}", json=changes)
    body = {"name": "x", "proxy_task": SYNTHETIC, **changes}
    estimated = service.post("/v1/campaigns/estimate", json=body)
    assert (patched.status_code, estimated.status_code) == (422, 422)
    (found,), (expected,) = patched.json()["errors"], estimated.json()["errors"]
    assert "is not a " in found["message"]
    assert (found["field"], found["value"]) == (expected["field"], expected["value"])


def test_parameters_of_an_address_are_numbers_in_text(service: TestClient) -> None:
    assert service.get("/v1/campaigns?limit=5").status_code == 200
    answer = service.post("/v1/campaigns?draft=true", json={"name": "x", "proxy_task": SYNTHETIC})
    assert answer.json()["state"] == "draft"
