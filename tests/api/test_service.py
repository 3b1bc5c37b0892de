"""Health, counters, the description of the interface, and what importing the service brings in."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from fastapi.testclient import TestClient

from api.settings import Settings
from nas_controller.store import Store
from tests.api.campaigns import Recorder


def test_health_and_readiness(service: TestClient, settings: Settings) -> None:
    assert service.get("/healthz").json()["status"] == "ok"
    ready = service.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["data_dir"] == str(settings.data_dir)


def test_counters_show_campaigns_trials_and_requests_by_route(service: TestClient, store: Store) -> None:
    Recorder(store)
    campaign = Recorder(store, trials=3).run(3).id
    service.get(f"/v1/campaigns/{campaign}")
    service.get("/nothing/of/the/kind")
    text = service.get("/metrics").text
    assert 'effspine_campaigns{state="completed"} 1.0' in text
    assert "effspine_trials_finished_total 3.0" in text
    assert 'route="/v1/campaigns/{campaign_id}",status="200"' in text
    assert campaign not in text
    assert "of/the/kind" not in text


def test_the_interface_is_described_with_its_problems(service: TestClient) -> None:
    document = service.get("/openapi.json").json()
    assert {"/v1/campaigns", "/v1/campaigns/{campaign_id}/events", "/readyz"} <= document["paths"].keys()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"], path
            assert operation["summary"], path
            assert list(operation["responses"]["4XX"]["content"]) == ["application/problem+json"]
    body = document["paths"]["/v1/campaigns"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["digits"]["value"]["proxy_task"] == {"profile": "laptop"}


def test_the_api_page_asks_no_other_host(service: TestClient) -> None:
    page = service.get("/docs").text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/")
        assert service.get(address).status_code == 200


def test_the_service_imports_no_tensorflow_ray_or_trainer() -> None:
    program = """
import json, pkgutil, sys
import api, exporters
for package in (api, exporters):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        __import__(module.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "ray", "proxy_trainer"} & set(json.loads(done.stdout))
