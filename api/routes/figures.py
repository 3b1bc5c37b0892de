"""Figures as numbers ready to draw; the page, a report and a notebook draw the same ones."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import CampaignId, StoreOfService
from api.json_answer import MEDIA_TYPE
from api.unchanged import UNCHANGED, UnlessUnchanged
from nas_controller.figures import FIGURES, LEAST_POINTS, MOST_POINTS, POINTS, compute
from nas_controller.kept import Kept
from nas_controller.store import NotFoundError, as_json
from nas_controller.store.records import FINISHED_CAMPAIGN_STATES

MOST_KEPT = 256  # of some tens of kilobytes each

_kept: Kept[bytes] = Kept(MOST_KEPT)
router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["results"])


@router.get(
    "/{name}",
    dependencies=[UnlessUnchanged],
    responses=UNCHANGED,
    summary="Read a figure",
    response_model=dict[str, Any],
)
def figure(
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
    campaign = store.get_campaign(campaign_id)
    key = (campaign_id, campaign.last_event, name, points)
    with _kept.making(key):
        body = _kept.get(key)
        if body is None:
            body = as_json(compute(store, campaign_id, name, points))
            # Nothing that a figure shows changes without an event, but for the curves of trials in training.
            if name != "curves" or campaign.state in FINISHED_CAMPAIGN_STATES:
                _kept.put(key, body)
    return Response(body, media_type=MEDIA_TYPE)
