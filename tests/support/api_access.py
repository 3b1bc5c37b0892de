"""API keys for tests, and clients that send them."""

from __future__ import annotations

from fastapi.testclient import TestClient

from nas_controller.states import KeyScope
from nas_controller.store import Store

HOST = "testserver"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OWN = {"Origin": "http://testserver"}


def create_key(store: Store, scope: KeyScope) -> str:
    """Creates a key."""
    return store.service.create_key(f"test {scope}", scope)[1]


def bearer(key: str) -> dict[str, str]:
    """The header with a key."""
    return {"Authorization": f"Bearer {key}"}


def log_in(service: TestClient, key: str) -> None:
    """Logs the client in, so that it has a session cookie."""
    response = service.post("/login", data={"key": key}, headers=OWN, follow_redirects=False)
    assert response.status_code == 303
