"""Example responses of the routes of webhooks."""

from __future__ import annotations

from typing import Any

from nas_controller.states import WEBHOOK_EVENTS

_WEBHOOK: dict[str, Any] = {
    "id": "w_1m81z0q3c5v7k2xn",
    "url": "https://hooks.example.org/effspine",
    "events": list(WEBHOOK_EVENTS),
    "campaign_id": None,
    "created_at": "2026-11-22T16:00:10.400112Z",
    "disabled_at": None,
    "disabled_because": None,
}
_DATA: dict[str, Any] = {
    "campaign": {"id": "c_1m81wbxdc99wfqbs", "name": "first look", "state": "completed"},
    "trials": {"finished": 12, "total": 12, "since_best": 1},
    "baseline": {"trial": 0, "reward": 0.4120738209397255},
    "best": {"trial": 10, "reward": 0.4391724300110264, "is_confirmed": False},
    "error": None,
    "error_kind": None,
    "because": None,
    "event": 27,
    "gain": {"reward": 0.0270986090713009, "low": None, "high": None, "basis": "noise"},
    "links": {
        "campaign": "https://search.example.org/v1/campaigns/c_1m81wbxdc99wfqbs",
        "page": "https://search.example.org/campaigns/c_1m81wbxdc99wfqbs",
    },
}
_DELIVERY: dict[str, Any] = {
    "id": "m_1m81z2b8jd0s9w4f",
    "webhook_id": _WEBHOOK["id"],
    "type": "campaign.completed",
    "campaign_id": "c_1m81wbxdc99wfqbs",
    "event": 27,
    "state": "delivered",
    "attempts": 2,
    "created_at": "2026-11-22T16:01:02.118020Z",
    "next_attempt_at": None,
    "gives_up_at": "2026-11-25T16:01:02.118020Z",
    "last_attempt_at": "2026-11-22T16:01:08.031077Z",
    "last_status": 204,
    "last_response": "",
    "last_error": None,
    "last_seconds": 0.041,
    "payload": {"type": "campaign.completed", "timestamp": "2026-11-22T16:01:02.118020Z", "data": _DATA},
}
_QUEUED: dict[str, Any] = {
    **_DELIVERY,
    "type": "webhook.test",
    "campaign_id": None,
    "event": None,
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": _DELIVERY["created_at"],
    **dict.fromkeys(("last_attempt_at", "last_status", "last_response", "last_error", "last_seconds", "payload")),
}
_ONE = "/v1/webhooks/{webhook_id}"
WEBHOOK_RESPONSES: dict[tuple[str, str], Any] = {
    ("post", "/v1/webhooks"): {**_WEBHOOK, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="},
    ("get", "/v1/webhooks"): {"items": [_WEBHOOK], "next_cursor": None},
    ("get", _ONE): _WEBHOOK,
    ("post", f"{_ONE}/test"): _QUEUED,
    ("get", f"{_ONE}/deliveries"): {"items": [_DELIVERY], "next_cursor": None},
    ("get", f"{_ONE}/deliveries/{{delivery_id}}"): _DELIVERY,
    ("post", f"{_ONE}/deliveries/{{delivery_id}}/resend"): {
        **_DELIVERY,
        "state": "pending",
        "next_attempt_at": "2026-11-22T16:09:00.275400Z",
    },
}
