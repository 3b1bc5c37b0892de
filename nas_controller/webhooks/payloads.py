"""The payload of a message: `{type, timestamp, data}`, as Standard Webhooks recommends."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from nas_controller.campaigns.finals_report import finals_report
from nas_controller.campaigns.search_health import search_health
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError, Store
from nas_controller.store.webhook_deliveries import ClaimedDelivery


def payload_of(store: Store, delivery: ClaimedDelivery, public_url: str) -> dict[str, Any]:
    """The payload, whose links begin with `public_url`. `timestamp` is that of the event.

    `data` are the facts of the event's moment, the campaign's links, and the gain of its best trial over the baseline.
    """
    timestamp = delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    data: dict[str, Any] = {**delivery.facts}
    if delivery.campaign_id is None:
        data["webhook"] = delivery.webhook_id
    else:
        links = {"campaign": f"/v1/campaigns/{delivery.campaign_id}", "page": f"/campaigns/{delivery.campaign_id}"}
        data["event"] = delivery.event
        data["gain"] = gain_of(store, delivery.campaign_id, data["best"], data["baseline"])
        data["links"] = {name: f"{public_url}{path}" for name, path in links.items()}
    return {"type": delivery.type, "timestamp": timestamp, "data": data}


def gain_of(
    store: Store, campaign_id: str, best: dict[str, Any] | None, baseline: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The reward of the best trial minus that of the baseline, with the ends of its 95 % interval.

    `basis` says what the interval comes from: `finals` compare both with the same seeds; `noise` is that of one reward
    each, estimated from similar architectures, and null ends where it is not known. None where nothing is to compare.
    """
    if best is None or baseline is None or best["trial"] == BASELINE_TRIAL:
        return None
    try:
        found = None
        if store.reads.get_campaign(campaign_id).finals is not None:
            compared = finals_report(store, campaign_id).verdict.comparisons
            found = next((each for each in compared if each.trial == best["trial"] and each.mean is not None), None)
        if found is not None:
            return {"reward": found.mean, "low": found.low, "high": found.high, "basis": "finals"}
        error = search_health(store, campaign_id).gain_error
    except NotFoundError:  # the campaign was deleted
        return None
    gain = best["reward"] - baseline["reward"]
    ends = {"low": None, "high": None} if error is None else {"low": gain - error, "high": gain + error}
    return {"reward": gain, **ends, "basis": "noise"}
