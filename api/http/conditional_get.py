"""Polls that cost next to nothing while nothing happens: an ETag made from the record's version, and 304.

    etag: W/"0.1.0-0007-42.7"          42 events, 7 reports of progress
    If-None-Match: W/"0.1.0-0007-42.7" -> 304 Not Modified

The version is read before the body, so a tag may be older than its body, never newer: nothing is missed. Tags are weak,
since the same answer goes out compressed or not.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import Depends, Request, Response

from api.http.dependencies import CampaignId, StoreOfService
from api.http.request_context import TAGS
from nas_controller.campaigns.figures import SHOW_PROGRESS
from nas_controller.store.schema import HEAD

CACHE_CONTROL = "private, no-cache"
VARY = "Authorization, Cookie, Accept-Encoding"
_SOFTWARE = f"{version('effspine')}-{HEAD}"  # another version may say the same in other words


class NotModified(Exception):  # noqa: N818 (it is no error)
    """What the caller has is what there is; `headers` go into the answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__("not modified")
        self.headers = headers


def not_modified(_request: Request, unchanged: Any) -> Response:
    """The answer of NotModified."""
    return Response(status_code=304, headers=unchanged.headers)


def _campaign_and_progress(campaign_id: CampaignId, store: StoreOfService, request: Request) -> None:
    _compare(request, store.reads.campaign_version(campaign_id))


def _campaign(campaign_id: CampaignId, store: StoreOfService, request: Request) -> None:
    _compare(request, store.reads.campaign_version(campaign_id, progress=False))


def _figure(campaign_id: CampaignId, name: str, store: StoreOfService, request: Request) -> None:
    _compare(request, store.reads.campaign_version(campaign_id, progress=name in SHOW_PROGRESS))


def _campaigns(store: StoreOfService, request: Request) -> None:
    _compare(request, store.reads.campaigns_version())


UnlessUnchanged = Depends(_campaign_and_progress)
"""Of a campaign's trials and what is drawn from them; changes with their progress too."""
UnlessCampaignUnchanged = Depends(_campaign)
"""Of what changes with a campaign's events alone."""
UnlessFigureUnchanged = Depends(_figure)
"""Of the figure `name` of a campaign."""
UnlessNoneChanged = Depends(_campaigns)
"""Of the list of campaigns."""
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer whose `ETag` was sent as `If-None-Match`."}
}


def tag_of(request: Request) -> str:
    """The tag of the answer to this request, of a route with a dependency from here."""
    tags: dict[str, str] = getattr(request.state, TAGS)
    return tags["ETag"]


def _compare(request: Request, recorded: str) -> None:
    """Tags the answer, or raises NotModified where the caller has it."""
    tag = f'W/"{_SOFTWARE}-{recorded}"'
    headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL, "Vary": VARY}
    given = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in given or "*" in given:
        raise NotModified(headers)
    setattr(request.state, TAGS, headers)
