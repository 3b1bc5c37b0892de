"""Health, metrics, the OpenAPI document, and the imports of the service."""

from __future__ import annotations

import errno
import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.http.app import create_app
from api.settings import Settings
from nas_controller.store import Store, StoreUnavailableError
from nas_controller.store.schema import HEAD
from tests.support.api_access import bearer, create_key
from tests.support.recorder import Recorder


def test_health_and_readiness(service: TestClient, settings: Settings) -> None:
    assert service.get("/healthz").json()["status"] == "ok"
    ready = service.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["data_dir"] == str(settings.data_dir)


def test_readiness_lists_supervisors(service: TestClient, store: Store) -> None:
    assert service.get("/readyz").json()["supervisors"] == []  # and it is ready
    store.runner.record_heartbeat("s-1", "here", 12, "0.1.0", {"mlflow": "nobody answers"})
    ready = service.get("/readyz").json()
    assert ready["schema_revision"] == HEAD
    (supervisor,) = ready["supervisors"]
    assert supervisor.keys() == {
        "id", "host", "pid", "version", "started_at", "seen_at", "is_alive", "failing_sinks", "processors",
        "max_parallelism",
    }  # fmt: skip
    assert supervisor["failing_sinks"] == {"mlflow": "nobody answers"}
    assert (supervisor["host"], supervisor["is_alive"]) == ("here", True)


def test_readiness_reveals_only_the_status_without_a_key(service: TestClient, store: Store) -> None:
    store.runner.record_heartbeat("s-1", "here", 12, "0.1.0")
    key = create_key(store, "view")
    stranger = service.get("/readyz").json()
    assert stranger == {
        "status": "ready", "version": None, "data_dir": None, "commit": None,
        "schema_revision": None, "data_dir_free_bytes": None, "supervisors": None,
    }  # fmt: skip
    assert len(service.get("/readyz", headers=bearer(key)).json()["supervisors"]) == 1


def test_a_database_with_another_schema_version_is_not_ready(service: TestClient, store: Store) -> None:
    with store._database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    response = service.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:effspine:problem:store-version"
    assert service.get("/healthz").status_code == 200


def test_a_service_whose_data_directory_has_no_space_is_ready_and_says_so(
    service: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage("/")._replace(free=0)
    checked: list[Path] = []

    def usage(path: Path) -> object:
        checked.append(path)
        return full

    monkeypatch.setattr("api.http.metrics.shutil", SimpleNamespace(disk_usage=usage))
    ready = service.get("/readyz")
    assert (ready.status_code, ready.json()["data_dir_free_bytes"]) == (200, 0)
    assert checked == [settings.data_dir]
    assert values(families(service)["effspine_data_dir_free_bytes"]) == {("",): 0}


def test_a_data_directory_that_does_not_answer_leaves_the_other_metrics(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> object:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("api.http.metrics.shutil", SimpleNamespace(disk_usage=fail))
    assert service.get("/readyz").json()["data_dir_free_bytes"] is None
    assert math.isnan(values(families(service)["effspine_data_dir_free_bytes"])[("",)])


def test_metrics_count_campaigns_trials_and_requests_by_route(service: TestClient, store: Store) -> None:
    Recorder(store)
    campaign = Recorder(store, trials=3).run(3).id
    service.get(f"/v1/campaigns/{campaign}")
    service.get("/nothing/of/the/kind")
    service.get("/static/page.css")
    text = service.get("/metrics").text
    assert 'effspine_campaigns{state="completed"} 1.0' in text
    assert "effspine_trials_finished_total 3.0" in text
    assert 'route="/v1/campaigns/{campaign_id}",status="200"' in text
    assert 'route="/static/{path}",status="200"' in text
    assert 'route="unmatched",status="404"' in text
    assert campaign not in text
    assert "of/the/kind" not in text


@pytest.mark.parametrize("path", ["/healthz", "/login", "/static/page.css", "/v1/campaigns", "/nothing"])
def test_invented_methods_share_one_label(
    service: TestClient, store: Store, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.get("/metrics")
    with caplog.at_level("INFO", logger="effspine.access"):
        for number in range(30):
            service.request(f"BREW{number}", path)
        service.request("get", path)
    found = families(service)["effspine_http_requests"]
    methods = {sample.labels["method"] for sample in found.samples}
    assert methods == {"GET", "other"}
    counted = {sample.value for sample in found.samples if sample.labels["method"] == "other"}
    assert 30.0 in counted
    assert "BREW" not in caplog.text


def families(service: TestClient) -> dict[str, Metric]:
    """The metrics by family name, parsed by the Prometheus client."""
    response = service.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(response.text)}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """The samples by label values; those of a histogram or summary also by their name suffix."""
    return {(*sample.labels.values(), sample.name.removeprefix(family.name)): sample.value for sample in family.samples}


def test_database_metrics_are_complete_and_survive_the_process(
    service: TestClient, settings: Settings, store: Store
) -> None:
    recorder = Recorder(store, trials=6)
    recorder.run(2)
    recorder.fail(recorder.begin(), "not finite")
    recorder.fail(recorder.begin(), "died", "worker-killed")
    recorder.begin()
    store.runner.record_heartbeat("s-1", "here", 12, "0.1.0")
    Recorder(store)
    with TestClient(create_app(settings, store, trusted_hosts=("testserver",))) as another:
        for client in (service, another):
            found = families(client)
            assert values(found["effspine_campaigns"])["running", ""] == 1
            assert values(found["effspine_campaigns"])["pending", ""] == 1
            assert values(found["effspine_trials"]) == {
                ("running", ""): 1, ("completed", ""): 2, ("failed", ""): 2, ("stopped", ""): 0,
            }  # fmt: skip
            assert values(found["effspine_rewards_accepted"]) == {("_total",): 2}
            assert values(found["effspine_worker_restarts"])["worker-killed", "_total"] >= 1
            waits = values(found["effspine_campaign_queue_wait_seconds"])
            assert waits["+Inf", "_bucket"] == waits[("_count",)] == 1
            assert found["effspine_attempt_first_report_seconds"].type == "summary"
            assert values(found["effspine_supervisors_alive"]) == {("",): 1}


def test_request_latency_is_measured_by_route(service: TestClient, store: Store) -> None:
    recorder = Recorder(store)
    for _ in range(3):
        service.get(f"/v1/campaigns/{recorder.id}")
    labels = {"method": "GET", "route": "/v1/campaigns/{campaign_id}"}
    family = families(service)["effspine_http_request_seconds"]
    found = [sample for sample in family.samples if labels.items() <= sample.labels.items()]
    assert {sample.value for sample in found if sample.name.endswith("_count")} == {3}
    assert {sample.value for sample in found if sample.labels.get("le") == "+Inf"} == {3}


def test_metrics_follow_the_naming_conventions_of_prometheus(service: TestClient, store: Store) -> None:
    Recorder(store).run(1)
    lines = service.get("/metrics").text.splitlines()
    described = [line.split()[2] for line in lines if line.startswith("# HELP")]
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert described == typed
    assert len(described) == len(set(described))
    for name, family in families(service).items():
        assert re.fullmatch(r"effspine_[a-z_]+[a-z]", name), name
        assert family.documentation.endswith("."), name
        assert family.type in ("counter", "gauge", "histogram", "summary"), name
        assert not name.endswith(("_count", "_sum", "_bucket", "_milliseconds", "_minutes", "_hours", "_total")), name
        if family.type == "counter":
            assert all(sample.name.endswith(("_total", "_created")) for sample in family.samples), name
        if family.type in ("histogram", "summary"):
            assert name.endswith("_seconds"), name
        buckets = [
            sample.value for sample in family.samples if sample.name.endswith("_bucket") and len(sample.labels) == 1
        ]
        assert buckets == sorted(buckets), name


def test_the_scrape_fails_without_the_database(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable() -> None:
        raise StoreUnavailableError("unavailable")

    monkeypatch.setattr(store.reads, "list_supervisors", unavailable)
    assert service.get("/metrics").status_code == 503


def test_the_openapi_document_describes_problem_documents(service: TestClient) -> None:
    document = service.get("/openapi.json").json()
    assert {"/v1/campaigns", "/v1/campaigns/{campaign_id}/events", "/readyz"} <= document["paths"].keys()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"], path
            assert operation["summary"], path
            assert list(operation["responses"]["4XX"]["content"]) == ["application/problem+json"]
    body = document["paths"]["/v1/campaigns"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["digits"]["value"]["proxy_task"] == {"profile": "laptop"}


def test_the_api_page_loads_nothing_from_other_hosts(service: TestClient) -> None:
    page = service.get("/docs").text
    for address in re.findall(r'(?:src|href)="([^#"]+)"', page):
        assert address.startswith("/")
        assert service.get(address).status_code == 200


def test_the_service_imports_no_tensorflow_ray_or_trainer() -> None:
    """No module of it does, nor one of the exporters but the formats that TensorFlow writes and scripts of folders."""
    program = """
import json, pkgutil, sys
scripts = ("exporters.onnx.predict", "exporters.scripts.predict")
import api, exporters
from importlib import import_module
waiting = [api, exporters]
while waiting:
    package = waiting.pop()
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name not in ("exporters.keras", "exporters.litert", "exporters.savedmodel", *scripts):
            loaded = import_module(module.name)
            waiting += [loaded] if module.ispkg else []
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "ray", "proxy_trainer"} & set(json.loads(done.stdout))
