"""Figures drawn as SVG, for the dashboard and as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.http.cached_responses import cached_response
from api.http.conditional_get import NOT_MODIFIED, IfFigureModified, check_modified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.pending_responses import PENDING
from nas_controller.drawings.campaign import DRAWINGS, campaign_figure
from nas_controller.drawings.comparison import (
    MAX_COMPARED,
    MIN_COMPARED,
    Compared,
    Comparison,
    comparison_figure,
    subject_of,
)
from nas_controller.drawings.sheet import MAX_WIDTH, MIN_WIDTH, WIDTH, Heading, Sheet
from nas_controller.search.limits import MAX_TRIALS
from nas_controller.store import NotFoundError, Store
from nas_controller.trainings.requests import model_name
from search_space.errors import InvalidValueError

router = APIRouter(tags=["results"])

SVG = "image/svg+xml"
DRAWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "The drawing.", "content": {SVG: {"schema": {"type": "string"}}}},
    **NOT_MODIFIED,
}
Style = Annotated[
    Literal["page"] | None,
    Query(description="`page`: a fragment for a page that has the dashboard's style sheets. Default: a file on white."),
]
Width = Annotated[int, Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="Width in px that the figure is laid out for.")]
At = Annotated[int | None, Query(ge=0, le=MAX_TRIALS, description="Of `policy`: after so many rewards.")]
ComparedFigure = Annotated[Comparison, Query(description="What is compared.")]
ComparedCampaigns = Annotated[
    str | None,
    Query(
        max_length=400,
        description=f"{MIN_COMPARED} to {MAX_COMPARED} ids, separated by commas: by their best trials.",
    ),
]
ComparedTrials = Annotated[
    str | None,
    Query(
        max_length=400,
        description=f"{MIN_COMPARED} to {MAX_COMPARED} trials as `ID:NUMBER`, separated by commas.",
    ),
]
Name = Annotated[str, Path(description=f"One of: {', '.join(DRAWINGS)}.")]


def sheet(subject: str, style: str | None, width: int) -> Sheet:
    """The sheet that a request asks for; a file names its subject and the day."""
    return Sheet(width, None if style == "page" else Heading(subject, datetime.now(UTC).date()))


def svg_response(request: Request, name: str, draw: Callable[[], str]) -> Response:
    """What `draw` returns, as the response to a conditional GET, in a file called after `name`."""
    headers = {"Content-Disposition": f'inline; filename="{model_name(name)}.svg"'}
    return cached_response(request, lambda: draw().encode(), SVG, headers)


@router.get(
    "/v1/campaigns/{campaign_id}/figures/{name}.svg",
    dependencies=[IfFigureModified],
    response_class=Response,
    responses=DRAWN | PENDING,
    summary="Draw a figure",
)
def campaign_drawing(
    request: Request,
    campaign_id: CampaignId,
    name: Name,
    store: ServiceStore,
    style: Style = None,
    width: Width = WIDTH,
    at: At = None,
) -> Response:
    """A figure as SVG, drawn from the numbers of `figures/{name}`. 404 says why there is nothing to draw yet, and
    202 how far a replay of the search is that it needs.

    Marks have `data-tip`, a line of text, and those of trials `data-trial`, the number.
    """
    if name not in DRAWINGS:
        raise NotFoundError(f"there is no drawing {name!r}; there are: {', '.join(DRAWINGS)}")
    campaign = store.reads.get_campaign(campaign_id)
    wanted = sheet(campaign.name, style, width)
    draw = partial(campaign_figure, store, campaign_id, name, wanted, at)
    return svg_response(request, f"{campaign.name} {name}", draw)


@router.get("/v1/compare.svg", response_class=Response, responses=DRAWN, summary="Draw a comparison")
def comparison_drawing(
    request: Request,
    store: ServiceStore,
    figure: ComparedFigure,
    campaigns: ComparedCampaigns = None,
    trials: ComparedTrials = None,
    style: Style = None,
    width: Width = WIDTH,
) -> Response:
    """Several campaigns or trials in one figure: `progress` has the best AP so far of campaigns, `curves`
    the learning curves of trials, `widths` and `shares` have the channels and the shares of the multi-adds by block.
    404 says which has nothing to draw yet.
    """
    compared = compared_if_modified(request, store, campaigns, trials)
    wanted = sheet(subject_of(store, compared), style, width)
    return svg_response(request, f"compare {figure}", partial(comparison_figure, store, figure, compared, wanted))


def compared_if_modified(
    request: Request, store: Store, campaigns: str | None, trials: str | None
) -> Sequence[Compared]:
    """What a request compares. Raises NotModified if the client has the current comparison."""
    compared = _compared(campaigns, trials)
    check_modified(request, "+".join(store.reads.campaign_version(each.campaign_id) for each in compared))
    return compared


def _compared(campaigns: str | None, trials: str | None) -> Sequence[Compared]:
    if (campaigns is None) == (trials is None):
        both = "both are given" if trials else "none is given"
        raise InvalidValueError(f"give either campaigns or trials; {both}", field="campaigns")
    if campaigns is not None:
        return [Compared(each) for each in campaigns.split(",")]
    return [_trial(each) for each in (trials or "").split(",")]


def _trial(text: str) -> Compared:
    campaign_id, _, number = text.partition(":")
    if not number.isascii() or not number.isdigit() or int(number) > MAX_TRIALS:
        message = f"{text!r} is no trial; write it as ID:NUMBER, such as c_1m81wbxdc99wfqbs:12"
        raise InvalidValueError(message, field="trials", value=text)
    return Compared(campaign_id, int(number))
