"""API keys: every route requires exactly its scope, and only a valid key grants access."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.settings import Settings
from nas_controller.states import KEY_SCOPES
from nas_controller.store import Store, StoreUnavailableError
from tests.support.api_access import HOST, OWN, bearer, create_key, log_in
from tests.support.api_routes import address, required_scope, routes
from tests.support.recorder import Recorder


def test_every_route_needs_exactly_its_scope(service: TestClient, store: Store) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    keys = {scope: create_key(store, scope) for scope in KEY_SCOPES}
    seen = 0
    for method, template in routes(service):
        needed = required_scope(method, template)
        path = address(template, campaign)
        nobody = service.request(method, path, follow_redirects=False)
        if needed is None:
            assert nobody.status_code not in (401, 403) or path == "/login", path
            continue
        seen += 1
        assert nobody.status_code == 401, (method, path)
        if method != "HEAD":
            assert nobody.headers["content-type"] == "application/problem+json"
            assert f"scope {needed}" in nobody.json()["detail"]
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        for scope, key in keys.items():
            status = service.request(method, path, headers=bearer(key), follow_redirects=False).status_code
            if KEY_SCOPES.index(scope) >= KEY_SCOPES.index(needed):
                assert status not in (401, 403), (method, path, scope)
            else:
                assert status == 403, (method, path, scope)
    assert seen >= 15


def test_unknown_paths_need_a_key_too(service: TestClient, store: Store) -> None:
    create_key(store, "view")
    for path in ("/nothing", "/v1/nothing", "/healthz/more", "//healthz", "/static/../v1/campaigns", "/v1/keysx"):
        assert service.get(path, follow_redirects=False).status_code in (401, 404), path
    assert service.get("/nothing").status_code == 401
    assert service.delete("/v1/campaigns").status_code == 401
    assert service.request("BREW", "/v1/campaigns").status_code == 401


def test_a_missing_scope_is_a_problem_that_names_it(service: TestClient, store: Store) -> None:
    key = create_key(store, "view")
    response = service.post("/v1/campaigns", json={"name": "x"}, headers=bearer(key))
    problem = response.json()
    assert (response.status_code, problem["type"]) == (403, "urn:effspine:problem:scope-missing")
    assert "scope operate" in problem["detail"]
    assert "scope view" in problem["detail"]
    assert key not in response.text


def test_the_service_is_open_until_the_first_key_and_after_the_last(service: TestClient, store: Store) -> None:
    assert service.get("/v1/campaigns").status_code == 200
    assert service.get("/v1/keys").json()["items"] == []
    record, _ = store.service.create_key("ops", "view", lifetime=timedelta(microseconds=1))
    assert service.get("/v1/campaigns").status_code == 401  # expired, but the service is not open
    store.service.revoke_key(record.id)
    assert service.get("/v1/campaigns").status_code == 200


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"host": "192.0.2.1"}, {"allowed_hosts": "search.example.org"}])
def test_a_service_that_others_can_reach_is_never_open(settings: Settings, store: Store, more: dict[str, str]) -> None:
    app = create_app(Settings(data_dir=settings.data_dir, **more), store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"http://{HOST}") as client:
        assert client.get("/v1/campaigns").status_code == 401
        assert client.get("/healthz").json()["data_dir"] is None
        assert client.get("/v1/campaigns", headers=bearer(create_key(store, "view"))).status_code == 200


@pytest.mark.parametrize(
    "shown",
    ["Bearer", "Bearer ", "Bearer x", "Basic {key}", "{key}", "Bearer {key}x", "Bearer {key} {key}", "Bearer \xe9"],
)
def test_an_invalid_key_is_rejected(service: TestClient, store: Store, shown: str) -> None:
    key = create_key(store, "admin")
    headers = {"Authorization": shown.format(key=key).encode("latin-1")}
    assert service.get("/v1/campaigns", headers=headers).status_code == 401  # type: ignore[arg-type]


def test_a_key_in_the_query_is_ignored(service: TestClient, store: Store) -> None:
    key = create_key(store, "admin")
    for name in ("key", "api_key", "access_token", "token"):
        assert service.get("/v1/campaigns", params={name: key}).status_code == 401


def test_rotation_and_revocation_take_effect_at_once(service: TestClient, store: Store) -> None:
    record, first = store.service.create_key("ops", "admin")
    create_key(store, "view")
    assert service.get("/v1/campaigns", headers=bearer(first)).status_code == 200
    _, second = store.service.rotate_key(record.id)
    assert service.get("/v1/campaigns", headers=bearer(first)).status_code == 401
    assert service.post(f"/v1/keys/{record.id}/revoke", headers=bearer(second)).json()["revoked_at"]
    assert service.get("/v1/campaigns", headers=bearer(second)).status_code == 401
    assert service.post("/v1/keys/k0/revoke", headers=bearer(create_key(store, "admin"))).status_code == 404


def test_keys_are_listed_without_their_secrets(service: TestClient, store: Store) -> None:
    key = create_key(store, "admin")
    response = service.get("/v1/keys", headers=bearer(key))
    (item,) = response.json()["items"]
    assert item["scope"] == "admin"
    assert item["last_used_at"] is not None
    assert key.rpartition("_")[2] not in response.text
    assert "sha256" not in response.text


def test_health_reveals_only_the_status_without_a_key(service: TestClient, store: Store, settings: Settings) -> None:
    assert service.get("/healthz").json()["data_dir"] == str(settings.data_dir)
    key = create_key(store, "view")
    assert service.get("/v1/campaigns").status_code == 401
    for path in ("/healthz", "/readyz"):
        assert str(settings.data_dir) not in service.get(path).text
        assert service.get(path, headers=bearer(key)).json()["data_dir"] == str(settings.data_dir)


def test_an_unavailable_database_grants_no_access(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(store, "view")

    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailableError("database sqlite:////secret/place.db: disk I/O error")

    for name in ("has_keys", "identify_key", "identify_session"):
        monkeypatch.setattr(store.service, name, unavailable)
    for headers in ({}, bearer(key)):
        response = service.get("/v1/campaigns", headers=headers)
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert "secret" not in response.text
        assert service.get("/healthz", headers=headers).status_code == 200


def test_a_failed_write_of_the_last_use_is_ignored_and_not_repeated_soon(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def unavailable(key_id: str) -> None:
        tries.append(key_id)
        raise StoreUnavailableError("locked")

    monkeypatch.setattr(store.service, "record_key_use", unavailable)
    key = create_key(store, "view")
    for _ in range(3):
        assert service.get("/v1/campaigns", headers=bearer(key)).status_code == 200
    assert len(tries) == 1


def test_no_log_contains_a_secret(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = create_key(store, "operate")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(store.reads, "list_campaigns", broken)
    with caplog.at_level(logging.DEBUG):
        log_in(service, key)
        token = service.cookies["effspine_session"]
        assert service.get("/v1/campaigns").status_code == 500
        assert service.get("/v1/campaigns", headers=bearer(key)).status_code == 500
        service.post("/login", data={"key": key + "x"}, headers=OWN)
    assert "broken" in caplog.text
    secret = key.rpartition("_")[2]
    assert secret not in caplog.text
    assert token not in caplog.text


def test_the_openapi_document_names_the_scope_of_each_operation(service: TestClient) -> None:
    document = service.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = required_scope(method.upper(), path)
            assert operation["security"] == ([] if needed is None else [{"key": [needed]}, {"session": [needed]}])


def test_every_route_of_the_openapi_document_is_tested(service: TestClient) -> None:
    app: Any = service.app
    described = {(m.upper(), path) for path, ms in service.get("/openapi.json").json()["paths"].items() for m in ms}
    assert described <= set(routes(service))
    assert all(isinstance(route, APIRoute) for route in app.state.routes)
