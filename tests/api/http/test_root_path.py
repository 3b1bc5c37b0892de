"""A service under a path prefix, behind a proxy that passes the prefix on and behind one that removes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.client import Client
from api.http.app import create_app
from api.http.login_sessions import safe_next_page
from api.http.routes.dashboard import STATIC_DIR
from api.settings import Settings
from nas_controller.states import KEY_SCOPES
from nas_controller.store import Store
from search_space.errors import InvalidValueError
from tests.support.api_access import HOST, OWN, bearer, create_key
from tests.support.api_routes import address, required_scope, routes
from tests.support.recorder import Recorder

ROOT = "/tools/effspine"
ADDRESS = re.compile(r"""(?:src|href|action)=["']([^"'#]+)["']""")
HTML = {"Accept": "text/html"}
SPEC = {"name": "x", "proxy_task": {"profile": "synthetic"}}


@pytest.fixture
def prefixed(settings: Settings, store: Store) -> Iterator[TestClient]:
    """A client of a service with a prefix."""
    app = create_app(settings.model_copy(update={"root_path": ROOT}), store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize("prefix", [ROOT, ""], ids=["passed on", "removed"])
def test_every_route_needs_its_scope_with_the_prefix_and_without(
    prefixed: TestClient, store: Store, prefix: str
) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    keys = {scope: create_key(store, scope) for scope in KEY_SCOPES}
    for method, template in routes(prefixed):
        needed = required_scope(method, template)
        path = prefix + address(template, campaign)
        nobody = prefixed.request(method, path)
        if needed is None:
            assert nobody.status_code not in (401, 403, 404) or path == f"{prefix}/login", path
            continue
        assert nobody.status_code == 401, (method, path)
        for scope, key in keys.items():
            status = prefixed.request(method, path, headers=bearer(key)).status_code
            if KEY_SCOPES.index(scope) >= KEY_SCOPES.index(needed):
                assert status not in (401, 403), (method, path, scope)
            else:
                assert status == 403, (method, path, scope)


@pytest.mark.parametrize("prefix", [ROOT, ""], ids=["passed on", "removed"])
def test_pages_link_only_to_addresses_under_the_prefix_that_exist(
    prefixed: TestClient, store: Store, prefix: str
) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    for page in ("/", f"/campaigns/{campaign}", "/docs", "/login"):
        text = prefixed.get(prefix + page).text
        assert f'data-root="{ROOT}"' in text
        found = ADDRESS.findall(text)
        assert found
        for link in found:
            assert link.startswith(f"{ROOT}/"), link
            is_form = link.endswith(("/login", "/logout"))
            status = prefixed.post(link, headers=OWN).status_code if is_form else prefixed.get(link).status_code
            assert status in (200, 303, 415), link
    assert f"curl -X POST http://{HOST}{ROOT}/v1/campaigns" in prefixed.get(f"{prefix}/").text


def test_scripts_reach_the_service_only_through_the_prefix(prefixed: TestClient) -> None:
    names = [path.relative_to(STATIC_DIR) for path in STATIC_DIR.rglob("*.js") if path.parent.name != "vendor"]
    assert len(names) > 50
    for name in names:
        script = prefixed.get(f"{ROOT}/static/{name}").text
        assert not re.search(
            r"""(?:href: |"href", |url: |href=|src=|fetch\(|EventSource\(|assign\()[`"']/""", script
        ), name


def test_the_login_leads_back_to_the_page_under_the_prefix(prefixed: TestClient, store: Store) -> None:
    key = create_key(store, "operate")
    campaign = Recorder(store).id
    asked = prefixed.get(f"{ROOT}/campaigns/{campaign}", headers=HTML)
    assert (asked.status_code, asked.headers["location"]) == (303, f"{ROOT}/login?next=%2Fcampaigns%2F{campaign}")
    assert 'name="next" value="/docs"' in prefixed.get(f"{ROOT}/login", params={"next": f"{ROOT}/docs"}).text
    for wanted, page in (
        (f"/campaigns/{campaign}", f"{ROOT}/campaigns/{campaign}"),
        (f"{ROOT}/campaigns/{campaign}", f"{ROOT}/campaigns/{campaign}"),
        (f"{ROOT}x/docs", f"{ROOT}/"),
        ("//evil.example", f"{ROOT}/"),
        (f"{ROOT}//evil.example", f"{ROOT}/"),
        (ROOT, f"{ROOT}/"),
    ):
        response = prefixed.post(f"{ROOT}/login", data={"key": key, "next": wanted}, headers=OWN)
        assert (response.status_code, response.headers["location"]) == (303, page), wanted
        assert f"Path={ROOT}" in response.headers["set-cookie"].split("; ")
    assert prefixed.get(f"{ROOT}/v1/campaigns").status_code == 200
    left = prefixed.post(f"{ROOT}/logout", headers=OWN)
    assert left.headers["location"] == f"{ROOT}/login"
    assert prefixed.get(f"{ROOT}/v1/campaigns").status_code == 401


def test_locations_of_the_api_have_the_prefix(prefixed: TestClient) -> None:
    created = prefixed.post(f"{ROOT}/v1/campaigns", json=SPEC, headers={"Idempotency-Key": "once"})
    assert created.headers["location"] == f"{ROOT}/v1/campaigns/{created.json()['id']}"
    again = prefixed.post("/v1/campaigns", json=SPEC, headers={"Idempotency-Key": "once"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == created.headers["location"]
    slash = prefixed.get(f"{ROOT}/v1/campaigns/")
    assert slash.headers["location"] == f"http://{HOST}{ROOT}/v1/campaigns"
    assert prefixed.get(f"{ROOT}/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_only_the_whole_prefix_is_removed(prefixed: TestClient) -> None:
    assert prefixed.get(ROOT).status_code == 200
    assert prefixed.get(f"{ROOT}/").status_code == 200
    assert prefixed.get("/tools/%65ffspine/healthz").status_code == 200
    for path in (
        f"{ROOT}x/healthz",
        "/tools/healthz",
        f"{ROOT}{ROOT}/healthz",
        f"/x{ROOT}/healthz",
        f"{ROOT}//healthz",
    ):
        assert prefixed.get(path).status_code == 404, path


def test_metrics_and_event_streams_work_under_the_prefix(prefixed: TestClient, store: Store) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    assert "event: end" in prefixed.get(f"{ROOT}/v1/campaigns/{campaign}/events").text
    text = prefixed.get(f"{ROOT}/metrics").text
    assert 'route="/v1/campaigns/{campaign_id}/events",status="200"' in text
    assert ROOT not in text


def test_the_client_finds_a_service_under_a_prefix(prefixed: TestClient, store: Store) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    client = Client(f"http://{HOST}{ROOT}/", transport=prefixed._transport)
    assert [each.id for each in client.campaigns()] == [campaign]
    assert client.url == f"http://{HOST}{ROOT}"


def test_without_a_prefix_nothing_changes(service: TestClient) -> None:
    assert service.get(f"{ROOT}/healthz").status_code == 404
    assert 'data-root=""' in service.get("/").text
    assert safe_next_page("/docs") == "/docs"


@pytest.mark.parametrize("root_path", ["/v1", "/campaigns/x", "/static", "/docs", "/login", "/healthz"])
def test_a_prefix_like_a_path_of_the_service_is_refused(settings: Settings, store: Store, root_path: str) -> None:
    with pytest.raises(InvalidValueError, match="EFFSPINE_ROOT_PATH") as caught:
        create_app(settings.model_copy(update={"root_path": root_path}), store)
    assert caught.value.field == "root_path"


@pytest.mark.parametrize(
    ("given", "root_path"), [("/a", "/a"), ("/a/b/", "/a/b"), ("", ""), ("/", ""), ("/a.b-c_d~", "/a.b-c_d~")]
)
def test_the_prefix_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, given: str, root_path: str) -> None:
    monkeypatch.setenv("EFFSPINE_ROOT_PATH", given)
    monkeypatch.delenv("EFFSPINE_PORT", raising=False)
    assert Settings().root_path == root_path
    assert Settings().url == f"http://127.0.0.1:8000{root_path}"


@pytest.mark.parametrize("given", ["a", "//a", "/a//b", "/../a", "/a/..", "/a?b", "/a b", "http://h/a", "/a%20b", '/"'])
def test_a_prefix_that_is_no_path_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("EFFSPINE_ROOT_PATH", given)
    with pytest.raises(ValueError, match="root_path"):
        Settings()
