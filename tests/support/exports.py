"""Requests for exports, and their states."""

from __future__ import annotations

from dataclasses import replace

from nas_controller.store import ExportRequest

REQUEST = ExportRequest(
    cache_key="1" * 64,
    format="detector",
    weights="initial",
    model=None,
    about="Initial weights.",
    file_name="digits-trial-0-detector-initial.zip",
    media_type="application/zip",
)


def export_request(campaign_id: str, key: str = "1", trial: int = 0) -> ExportRequest:
    """A request for an export of a trial."""
    return replace(REQUEST, cache_key=key * 64, campaign_id=campaign_id, trial=trial)
