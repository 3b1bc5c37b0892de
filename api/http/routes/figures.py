"""Figures as numbers ready to draw; the page, a report and a notebook draw the same ones."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.http.conditional_get import UNCHANGED, UnlessFigureUnchanged
from api.http.dependencies import CampaignId, StoreOfService
from api.http.json_responses import json_answer
from nas_controller.campaigns.figures import FIGURES, LEAST_POINTS, MOST_POINTS, POINTS, compute
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["results"])


@router.get(
    "/{name}",
    dependencies=[UnlessFigureUnchanged],
    responses=UNCHANGED,
    summary="Read a figure",
    response_model=dict[str, Any],
)
def figure(
    request: Request,
    campaign_id: CampaignId,
    name: Annotated[str, Path(description=f"One of: {', '.join(FIGURES)}.")],
    store: StoreOfService,
    points: Annotated[
        int, Query(ge=LEAST_POINTS, le=MOST_POINTS, description="About how many points of a long campaign to show.")
    ] = POINTS,
) -> Response:
    """The numbers of one figure; lists in it run side by side.

    Of more trials than `points`, it has an even sample and all those that must not be missed: each that was better
    than all before it (`progress`), or the best and the Pareto front (`madds-ap`, `params-ap`). `of` says of how many.
    The curves share the points.
    """
    if name not in FIGURES:
        raise NotFoundError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
    return json_answer(request, lambda: compute(store, campaign_id, name, points))
