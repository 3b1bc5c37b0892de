"""Login to the dashboard: attributes and scope of the cookie, the end of a session, and cross-site requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.http import event_stream
from api.http.app import create_app
from api.http.login_sessions import safe_next_page
from api.settings import Settings
from nas_controller.store import Store
from tests.support.api_access import HOST, OWN, create_key, log_in
from tests.support.api_routes import address, routes
from tests.support.recorder import Recorder
from tests.support.waiting import wait_for

HTML = {"Accept": "text/html,application/xhtml+xml"}
BODY = {"name": "x", "proxy_task": {"profile": "synthetic"}}


@pytest.fixture
def key(store: Store) -> str:
    """A key with scope operate."""
    return create_key(store, "operate")


def test_the_cookie_is_http_only_and_same_site(service: TestClient, key: str) -> None:
    response = service.post("/login", data={"key": f" {key}\n"}, headers=OWN, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    cookie, *attributes = response.headers["set-cookie"].split("; ")
    assert {part.lower() for part in attributes} == {"httponly", "samesite=strict", "path=/", "max-age=43200"}
    assert key.rpartition("_")[2] not in cookie
    assert response.headers["cache-control"] == "no-store"


def test_over_https_the_cookie_is_secure(settings: Settings, store: Store, key: str) -> None:
    app = create_app(settings, store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"https://{HOST}") as client:
        own = {"Origin": f"https://{HOST}"}
        response = client.post("/login", data={"key": key}, headers=own, follow_redirects=False)
        assert "Secure" in response.headers["set-cookie"].split("; ")


def test_a_session_gives_access_to_pages_api_and_event_stream(service: TestClient, store: Store, key: str) -> None:
    campaign = Recorder(store, trials=2).run(2).id
    paths = ("/", "/docs", f"/campaigns/{campaign}", "/v1/campaigns", f"/v1/campaigns/{campaign}/events")
    assert [service.get(path).status_code for path in paths] == [401] * len(paths)
    log_in(service, key)
    assert [service.get(path).status_code for path in paths] == [200] * len(paths)
    assert "event: end" in service.get(paths[-1]).text
    page = service.get("/").text
    assert 'action="/logout"' in page
    assert "test operate" in page


def test_logging_out_ends_the_session_in_the_database(service: TestClient, key: str) -> None:
    log_in(service, key)
    token = service.cookies["effspine_session"]
    response = service.post("/logout", headers=OWN, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "effspine_session" not in service.cookies
    assert service.get("/v1/campaigns", headers={"Cookie": f"effspine_session={token}"}).status_code == 401


def test_revoking_the_key_ends_its_sessions_at_once(service: TestClient, store: Store, key: str) -> None:
    create_key(store, "view")
    log_in(service, key)
    assert service.get("/v1/campaigns").status_code == 200
    store.service.revoke_key(key.split("_")[1])
    assert service.get("/v1/campaigns").status_code == 401


def test_a_new_login_replaces_the_previous_session(service: TestClient, store: Store, key: str) -> None:
    log_in(service, key)
    first = service.cookies["effspine_session"]
    log_in(service, key)
    assert service.cookies["effspine_session"] != first
    assert store.service.identify_session(first) is None


@pytest.mark.parametrize("wrong", ["", "x", "effspine_k_", "é"])
def test_a_wrong_key_creates_no_session_and_is_not_repeated_in_the_page(
    service: TestClient, key: str, wrong: str
) -> None:
    for shown in (wrong, key[:-4] + "AAAA"):
        response = service.post("/login", data={"key": shown}, headers=OWN)
        assert response.status_code == 401
        assert "set-cookie" not in response.headers
        assert not shown or f'"{shown}"' not in response.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://example.org"},
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_sites_cannot_change_anything_with_the_cookie(
    service: TestClient, store: Store, key: str, headers: dict[str, str]
) -> None:
    log_in(service, key)
    assert service.post("/v1/campaigns", json=BODY, headers=headers).status_code == 403
    assert service.post("/logout", headers=headers, follow_redirects=False).status_code == 403
    assert store.reads.list_campaigns().items == ()
    assert service.get("/v1/campaigns").status_code == 200


@pytest.mark.parametrize("headers", [OWN, {"Sec-Fetch-Site": "same-origin"}, OWN | {"Sec-Fetch-Site": "same-origin"}])
def test_own_pages_can_change_something_with_the_cookie(service: TestClient, key: str, headers: dict[str, str]) -> None:
    log_in(service, key)
    assert service.post("/v1/campaigns", json=BODY, headers=headers).status_code == 201


@pytest.mark.parametrize("headers", [{"Origin": "http://example.org"}, {"Sec-Fetch-Site": "cross-site"}])
def test_other_sites_cannot_log_a_browser_in(service: TestClient, key: str, headers: dict[str, str]) -> None:
    response = service.post("/login", data={"key": key}, headers=headers, follow_redirects=False)
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_a_session_has_the_scope_of_its_key(service: TestClient, store: Store) -> None:
    log_in(service, create_key(store, "view"))
    assert service.post("/v1/campaigns", json=BODY, headers=OWN).status_code == 403
    assert service.get("/v1/keys").status_code == 403


def test_a_wrong_key_in_the_header_overrides_a_valid_cookie(service: TestClient, key: str) -> None:
    log_in(service, key)
    assert service.get("/v1/campaigns", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_browser_is_redirected_to_the_login_and_back(service: TestClient, store: Store, key: str) -> None:
    path = f"/campaigns/{Recorder(store).id}"
    led = service.get(path, headers=HTML, follow_redirects=False)
    assert led.status_code == 303
    form = service.get(led.headers["location"])
    assert f'name="next" value="{path}"' in form.text
    response = service.post("/login", data={"key": key, "next": path}, headers=OWN, follow_redirects=False)
    assert response.headers["location"] == path
    assert service.get("/v1/campaigns", headers=HTML | {"Cookie": ""}).status_code == 401


def test_every_page_leads_to_the_login_and_back(service: TestClient, key: str) -> None:
    pages = [address(template, "c_0") for method, template in routes(service) if is_page(method, template)]
    assert {"/", "/docs", "/compare", "/campaigns/c_0/trials/0"} <= set(pages)
    for page in pages:
        led = service.get(page, headers=HTML, follow_redirects=False)
        assert led.status_code == 303, page
        assert safe_next_page(page) == page
    assert safe_next_page("/?q=a*b") == "/?q=a*b"


def is_page(method: str, template: str) -> bool:
    """Whether a route is a page of the dashboard or of the API."""
    others = ("/v1/", "/openapi.json", "/healthz", "/readyz", "/metrics", "/login", "/docs/assets/")
    return method == "GET" and not template.startswith(others)


@pytest.mark.parametrize(
    "next_page",
    [
        "https://example.org/", "//example.org", "/\\example.org", "/campaigns/x/../..", "/campaigns/x\r\nA: b",
        "javascript:alert(1)", "/logout", "", "/campaigns/" + "x" * 65, "/docs\n",
    ],
)  # fmt: skip
def test_the_login_redirects_only_to_own_pages(service: TestClient, key: str, next_page: str) -> None:
    assert safe_next_page(next_page) == "/"
    assert 'name="next" value="/"' in service.get("/login", params={"next": next_page}).text
    response = service.post("/login", data={"key": key, "next": next_page}, headers=OWN, follow_redirects=False)
    assert response.headers["location"] == "/"


def test_the_form_needs_no_script_and_has_security_headers(service: TestClient) -> None:
    response = service.get("/login", params={"next": '"><script>alert(1)</script>'})
    assert "<script" not in response.text
    assert response.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_login_that_is_not_a_form_is_rejected(service: TestClient, key: str, kind: str) -> None:
    headers = OWN | {"Content-Type": kind}
    assert service.post("/login", content=f"key={key}", headers=headers).status_code == 415


def test_an_open_stream_ends_when_its_key_is_revoked(
    service: TestClient, store: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.0)
    create_key(store, "view")
    log_in(service, key)
    recorder = Recorder(store)
    read = store.reads.events_after

    def read_then_revoke(*arguments: object) -> object:
        found = read(*arguments)  # type: ignore[arg-type]
        store.service.revoke_key(key.split("_")[1])
        return found

    monkeypatch.setattr(store.reads, "events_after", read_then_revoke)
    text = service.get(f"/v1/campaigns/{recorder.id}/events").text
    assert "campaign.created" in text
    assert "event: end" not in text


@pytest.fixture
def short(settings: Settings, store: Store) -> Iterator[TestClient]:
    """A service whose sessions are short."""
    app = create_app(settings.model_copy(update={"session_hours": 1e-6}), store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield client


def test_a_session_expires_in_the_database(short: TestClient, store: Store, key: str) -> None:
    response = short.post("/login", data={"key": key}, headers=OWN, follow_redirects=False)
    token = response.headers["set-cookie"].partition("=")[2].partition(";")[0]
    expired = {"Cookie": f"effspine_session={token}"}
    wait_for(lambda: short.get("/v1/campaigns", headers=expired).status_code == 401 or None, "the end of the session")
    lasting = store.service.create_session(key.split("_")[1], timedelta(hours=1))
    assert short.get("/v1/campaigns", headers={"Cookie": f"effspine_session={lasting}"}).status_code == 200
