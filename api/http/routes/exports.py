"""An architecture of a campaign as a file to take away."""

from __future__ import annotations

import hashlib
import logging
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from api.documents import ExportDocument, Page
from api.http.dependencies import CampaignId, StoreOfService
from exporters import EXPORTERS, ExportedArchitecture, provenance_of
from nas_controller.store import NotFoundError, Store, StoreError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/exports", tags=["results"])

SHOWN_AS_PICTURE = "image"
"""What a browser says of a picture in a page, such as the dashboard's diagram."""

log = logging.getLogger("effspine.api")


@router.get("", summary="List exports")
def list_all(
    campaign_id: CampaignId,
    store: StoreOfService,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=400)] = None,
) -> Page[ExportDocument]:
    """Files that were taken away, by trial, format and content, each content once."""
    page = store.service.list_exports(campaign_id, limit=limit, cursor=cursor)
    return Page(items=[ExportDocument(**item.to_dict()) for item in page.items], next_cursor=page.next_cursor)


@router.get(
    "/{format}",
    response_class=Response,
    summary="Export an architecture",
    responses={
        200: {
            "description": "The file: the block specification (json) or the diagram beside the baseline's (svg).",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "image/svg+xml": {"schema": {"type": "string"}},
            },
        }
    },
)
def export(
    campaign_id: CampaignId,
    format: Annotated[str, Path(description=f"One of: {', '.join(EXPORTERS)}.")],
    store: StoreOfService,
    trial: Annotated[int | None, Query(ge=0, description="Number of the trial; default: the best one.")] = None,
    sec_fetch_dest: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The best architecture, or that of `trial`, with where it came from, as a download.

    The record notes that it was taken, unless a page only shows it as a picture. This changes nothing that anybody
    asked for, and its failure is no failure.
    """
    if format not in EXPORTERS:
        raise NotFoundError(f"there is no format {format!r}; there are: {', '.join(EXPORTERS)}")
    campaign = store.reads.get_campaign(campaign_id)
    number = campaign.best_trial if trial is None else trial
    if number is None:
        raise NotFoundError(f"campaign '{campaign_id}' has no reward yet, so nothing is best; name a trial")
    record = store.reads.get_trial_record(campaign_id, number)
    name = f"{_file_stem(campaign.name)}-trial-{number}"
    space = campaign.spec.search_space.build()
    exported = ExportedArchitecture(
        architecture=space.architecture(record.widths, name=name),
        baseline=space.architecture(space.baseline.widths, name="uniform baseline"),
        provenance=provenance_of(campaign.to_dict(), record.to_dict()),
    )
    exporter = EXPORTERS[format]
    content = exporter.render(exported)
    if sec_fetch_dest != SHOWN_AS_PICTURE:
        _note(store, campaign_id, number, format, content)
    disposition = f'attachment; filename="{exporter.file_name(exported.architecture)}"'
    return Response(content, media_type=exporter.media_type, headers={"Content-Disposition": disposition})


def _note(store: Store, campaign_id: str, trial: int, format: str, content: bytes) -> None:
    """Notes an export. A record that can be read but not written must not keep anybody from taking a file."""
    try:
        store.service.record_export(campaign_id, trial, format, hashlib.sha256(content).hexdigest(), len(content))
    except StoreError as error:
        log.warning("an export of campaign %s, trial %d is not noted: %s", campaign_id, trial, error)


def _file_stem(name: str) -> str:
    """A campaign's name as part of a file name on any system: ASCII letters, digits and dashes."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in plain.split("-") if part)[:60] or "campaign"
