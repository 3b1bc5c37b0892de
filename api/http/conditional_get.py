"""Conditional GET: an ETag from the version of the data, and 304 for a client that has the current response.

    etag: W/"0.1.0-0008-42.7"          42 events, 7 reports of progress
    If-None-Match: W/"0.1.0-0008-42.7" -> 304 Not Modified

The version is read before the body, so an ETag can be older than its body but never newer, and no client misses a
change. ETags are weak, since the same response is sent compressed or not.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import Depends, Request, Response

from api.http.dependencies import CampaignId, ServiceStore, TrainingId
from api.http.response_headers import VALIDATORS
from nas_controller.campaigns.figures import PROGRESS_FIGURES
from nas_controller.store.schema import HEAD

CACHE_CONTROL = "private, no-cache"
VARY = "Authorization, Cookie, Accept-Encoding"
_SOFTWARE = f"{version('effspine')}-{HEAD}"  # another version may send the same data in another form


class NotModified(Exception):  # noqa: N818 (it is no error)
    """The client's copy is current; `headers` are those of the 304 response."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers


def not_modified(_request: Request, exception: Any) -> Response:
    """The response for NotModified."""
    return Response(status_code=304, headers=exception.headers)


def _campaign_and_progress(campaign_id: CampaignId, store: ServiceStore, request: Request) -> None:
    check_modified(request, store.reads.campaign_version(campaign_id))


def _campaign(campaign_id: CampaignId, store: ServiceStore, request: Request) -> None:
    check_modified(request, store.reads.campaign_version(campaign_id, progress=False))


def _figure(campaign_id: CampaignId, name: str, store: ServiceStore, request: Request) -> None:
    check_modified(request, store.reads.campaign_version(campaign_id, progress=name in PROGRESS_FIGURES))


def _training(training_id: TrainingId, store: ServiceStore, request: Request) -> None:
    training = store.reads.get_training(training_id)
    step = 0 if training.progress is None else training.progress.step
    check_modified(request, f"{training.last_event}.{training.attempts}.{step}")


def _campaigns(store: ServiceStore, request: Request) -> None:
    check_modified(request, store.reads.campaigns_version())


IfTrialsModified = Depends(_campaign_and_progress)
"""For trials and what is computed from them; changes with every event and every report of progress."""
IfCampaignModified = Depends(_campaign)
"""For a campaign; changes with its events, and the begin and the steps of its shared training."""
IfFigureModified = Depends(_figure)
"""For the figure `name` of a campaign."""
IfTrainingModified = Depends(_training)
"""For the curve of a training; changes with its events, attempts and steps."""
IfCampaignListModified = Depends(_campaigns)
"""For the list of campaigns."""
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the response whose `ETag` was sent as `If-None-Match`."}
}


def etag_of(request: Request) -> str:
    """The ETag of the response to this request, whose route has a dependency of this module."""
    validators: dict[str, str] = getattr(request.state, VALIDATORS)
    return validators["ETag"]


def check_modified(request: Request, data_version: str) -> None:
    """Sets the ETag of the response, or raises NotModified if the client has it."""
    etag = f'W/"{_SOFTWARE}-{data_version}"'
    setattr(request.state, VALIDATORS, validators(request, etag))


def validators(request: Request, etag: str) -> dict[str, str]:
    """The ETag and cache headers of the response. Raises NotModified if the client has it.

    The comparison is the weak one (RFC 9110, section 13.1.2): it ignores `W/`, and `*` matches any.
    """
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL, "Vary": VARY}
    known = {item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")}
    if not known.isdisjoint((etag.removeprefix("W/"), "*")):
        raise NotModified(headers)
    return headers
