"""What handlers are given: the store and the settings of the service that they belong to.

None of these waits for anything, so they are `async`: the others each take a turn in a thread of their own.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request

from api.settings import Settings
from nas_controller.store import Store


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _reserved_campaign_id(request: Request) -> str | None:
    """The id that a campaign which this request creates must have, so that sent again it creates no second one."""
    reserved: str | None = getattr(request.state, "reserved_campaign_id", None)
    return reserved


async def _require_json(request: Request) -> None:
    """Refuses any body that does not call itself JSON, such as that of a form, which a page of any site can send."""
    given = request.headers.get("content-type", "")
    kind, _, subtype = given.partition(";")[0].strip().lower().partition("/")
    if kind != "application" or (subtype != "json" and not subtype.endswith("+json")):
        sent = f"is {given[:80]!r}" if given else "is missing"
        raise HTTPException(415, f"the header Content-Type {sent}; send the body as JSON with `{JSON_HEADER}`")


JSON_HEADER = "Content-Type: application/json"
JsonBody = Depends(_require_json)
StoreOfService = Annotated[Store, Depends(_store)]
ReservedCampaignId = Annotated[str | None, Depends(_reserved_campaign_id)]
SettingsOfService = Annotated[Settings, Depends(_settings)]
CampaignId = Annotated[str, Path(description="Id of the campaign.", max_length=64)]
