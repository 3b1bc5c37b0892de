"""Exported architectures: files in one of the formats of `exporters`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.http.dependencies import CampaignId, ServiceStore
from exporters import EXPORTERS, Export, provenance_of
from nas_controller.store import NotFoundError
from search_space.document import BlockSpecification

FORMER_NAMES = {"json": "spec"}
"""Names that formats had in earlier versions; they are still accepted."""

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/exports", tags=["results"])


@router.get(
    "/{format}",
    response_class=Response,
    summary="Export an architecture",
    responses={
        200: {
            "description": "The file: the block specification (spec), or the diagram next to the baseline's (svg).",
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
    store: ServiceStore,
    trial: Annotated[
        int | None,
        Query(
            ge=0,
            description="Number of the trial; default: the first of the best, as `/best` has them.",
        ),
    ] = None,
) -> Response:
    """The best architecture (the one that finals rank first, if there were any) or that of `trial`, as a download with
    its provenance, which says whether it is confirmed.
    """
    format = FORMER_NAMES.get(format, format)
    if format not in EXPORTERS:
        raise NotFoundError(f"there is no format {format!r}; there are: {', '.join(EXPORTERS)}")
    campaign = store.reads.get_campaign(campaign_id)
    number = campaign.best_known_trial if trial is None else trial
    if number is None:
        raise NotFoundError(f"campaign '{campaign_id}' has no reward yet, so it has no best trial; name a trial")
    record = store.reads.get_trial_record(campaign_id, number)
    name = f"{_file_stem(campaign.name)}-trial-{number}"
    space = campaign.spec.search_space.build()
    exported = Export(
        BlockSpecification(
            space.architecture(record.widths, name=name),
            provenance_of(campaign.to_dict(), record.to_dict()),
            anchor_size=campaign.spec.proxy_task.resolve().anchor_size,
        ),
        baseline=space.architecture(space.baseline.widths, name="uniform baseline"),
    )
    exporter = EXPORTERS[format]
    headers = {"Content-Disposition": f'attachment; filename="{name}{exporter.suffix}"'}
    return Response(exporter.content(exported), media_type=exporter.media_type, headers=headers)


def _file_stem(name: str) -> str:
    """A campaign's name as part of a portable file name: ASCII letters, digits and dashes."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in letters.split("-") if part)[:60] or "campaign"
