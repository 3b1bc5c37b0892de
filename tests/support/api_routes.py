"""The routes of the service: which there are, and the scope that each must require."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from starlette.routing import Mount

from nas_controller.states import KeyScope

PUBLIC = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/login"), ("POST", "/login"), ("POST", "/logout")}
ADMIN = {
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys/{key_id}/revoke"),
    ("POST", "/v1/webhooks"),
    ("GET", "/v1/webhooks"),
    ("GET", "/v1/webhooks/{webhook_id}"),
    ("DELETE", "/v1/webhooks/{webhook_id}"),
    ("POST", "/v1/webhooks/{webhook_id}/test"),
    ("GET", "/v1/webhooks/{webhook_id}/deliveries"),
    ("GET", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"),
    ("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend"),
}


def routes(service: TestClient) -> list[tuple[str, str]]:
    """Every method and path template of the application."""
    app: Any = service.app
    found = {
        (method, route.path)
        for route in [*app.state.routes, *app.routes]
        if not isinstance(route, Mount) and hasattr(route, "path")
        for method in getattr(route, "methods", None) or {"GET"}
    }
    assert ("POST", "/v1/campaigns") in found
    return sorted(found)


def required_scope(method: str, template: str) -> KeyScope | None:
    """The required scope, stated independently of the code."""
    if (method, template) in PUBLIC:
        return None
    if (method, template) in ADMIN:
        return "admin"
    return "view" if method in ("GET", "HEAD") else "operate"


def address(template: str, campaign: str) -> str:
    """A path of a template."""
    values = {
        "campaign_id": campaign,
        "number": 0,
        "name": "progress",
        "format": "json",
        "key_id": "k0",
        "export_id": "e_0",
        "training_id": "t_0",
        "webhook_id": "w_0",
        "delivery_id": "m_0",
    }
    path = template.format(**values, **{"name:path": "x"}) if "{" in template else template
    return path.replace("/docs/assets/progress", "/docs/assets/swagger-ui.css")
