"""An architecture of a campaign as a file to take away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import CampaignId, StoreOfService
from exporters import EXPORTERS, ExportedArchitecture, provenance_of
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/exports", tags=["results"])


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
) -> Response:
    """The best architecture, or that of `trial`, with where it came from, as a download."""
    if format not in EXPORTERS:
        raise NotFoundError(f"there is no format {format!r}; there are: {', '.join(EXPORTERS)}")
    campaign = store.get_campaign(campaign_id)
    number = campaign.best_trial if trial is None else trial
    if number is None:
        raise NotFoundError(f"campaign '{campaign_id}' has no reward yet, so nothing is best; name a trial")
    record = store.get_trial(campaign_id, number).trial
    name = f"{_file_stem(campaign.name)}-trial-{number}"
    space = campaign.spec.search_space.build()
    exported = ExportedArchitecture(
        architecture=space.architecture(record.widths, name=name),
        baseline=space.architecture(space.baseline.widths, name="uniform baseline"),
        provenance=provenance_of(campaign.to_dict(), record.to_dict()),
    )
    exporter = EXPORTERS[format]
    content = exporter.render(exported)
    disposition = f'attachment; filename="{exporter.file_name(exported.architecture)}"'
    return Response(content, media_type=exporter.media_type, headers={"Content-Disposition": disposition})


def _file_stem(name: str) -> str:
    """A campaign's name as part of a file name on any system: ASCII letters, digits and dashes."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in plain.split("-") if part)[:60] or "campaign"
