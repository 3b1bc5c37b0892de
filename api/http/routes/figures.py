"""The data of figures, for the dashboard and for notebooks."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.http.conditional_get import NOT_MODIFIED, IfFigureModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.figure_documents import figure_document
from api.http.json_responses import json_response
from api.http.pending_responses import PENDING
from nas_controller.campaigns.figures import FIGURES, MAX_POINTS, MIN_POINTS, POINTS, compute
from nas_controller.search.limits import MAX_TRIALS
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["results"])

AnyFigure: Any = reduce(or_, dict.fromkeys(map(figure_document, FIGURES)))


@router.get(
    "/{name}",
    dependencies=[IfFigureModified],
    responses=NOT_MODIFIED | PENDING,
    summary="Read a figure",
    response_model=AnyFigure,
)
def figure(
    request: Request,
    campaign_id: CampaignId,
    name: Annotated[str, Path(description=f"One of: {', '.join(FIGURES)}.")],
    store: ServiceStore,
    points: Annotated[
        int, Query(ge=MIN_POINTS, le=MAX_POINTS, description="Approximate number of points of a long campaign.")
    ] = POINTS,
    at: Annotated[int | None, Query(ge=0, le=MAX_TRIALS, description="Of `policy`: after so many rewards.")] = None,
) -> Response:
    """The numbers of one figure; its lists are parallel.

    A campaign with more than `points` trials is downsampled: to an even sample and all trials that must not be missing:
    those with a new best reward (`progress`) or the best and the Pareto front (`madds-ap`, `params-ap`, `latency-ap`).
    `of` is the number before downsampling. The curves share the points.

    `policy` with `at` is the policy after so many rewards, or after the latest number below that the service has kept;
    `told` says which. It and `entropy` replay the search: until a long replay has ended, the response is 202 with
    `Retry-After`.
    """
    if name not in FIGURES:
        raise NotFoundError(f"there is no figure {name!r}; there are: {', '.join(FIGURES)}")
    return json_response(request, lambda: compute(store, campaign_id, name, points, at))
