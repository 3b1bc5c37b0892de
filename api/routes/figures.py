"""Figures as numbers ready to draw; the page, a report and a notebook draw the same ones."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.dependencies import CampaignId, StoreOfService
from api.unchanged import UNCHANGED, UnlessUnchanged
from nas_controller.figures import FIGURES, compute
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["results"])


@router.get("/{name}", dependencies=[UnlessUnchanged], responses=UNCHANGED, summary="Read a figure")
def figure(
    campaign_id: CampaignId,
    name: Annotated[str, Path(description=f"One of: {', '.join(FIGURES)}.")],
    store: StoreOfService,
) -> dict[str, Any]:
    """The numbers of one figure; lists in it run side by side."""
    if name not in FIGURES:
        raise NotFoundError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
    return compute(store, campaign_id, name)
