"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1.0, symmetric scheme."""

from __future__ import annotations

import base64
import hashlib
import hmac

from nas_controller.store.webhooks import SECRET_PREFIX


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers `webhook-id`, `webhook-timestamp` (Unix seconds of the attempt) and `webhook-signature` of a body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}
