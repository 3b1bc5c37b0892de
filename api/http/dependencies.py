"""FastAPI dependencies of the routes: the store, the settings, and checks of the request.

They do not block, so they are `async`: FastAPI runs each synchronous dependency in a thread.
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
    """The id for the campaign that this request creates, so that a repeated request creates no second one."""
    reserved: str | None = getattr(request.state, "reserved_campaign_id", None)
    return reserved


async def _require_json(request: Request) -> None:
    """Rejects a body that is not declared as JSON, such as a form, which a page of any site can send."""
    content_type = request.headers.get("content-type", "")
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    if kind != "application" or (subtype != "json" and not subtype.endswith("+json")):
        problem = f"is {content_type[:80]!r}" if content_type else "is missing"
        raise HTTPException(415, f"the header Content-Type {problem}; send the body as JSON with `{JSON_HEADER}`")


JSON_HEADER = "Content-Type: application/json"
RequireJson = Depends(_require_json)
ServiceStore = Annotated[Store, Depends(_store)]
ServiceSettings = Annotated[Settings, Depends(_settings)]
ReservedCampaignId = Annotated[str | None, Depends(_reserved_campaign_id)]
CampaignId = Annotated[str, Path(description="Id of the campaign.", max_length=64)]
TrainingId = Annotated[str, Path(description="Id of the training.", max_length=64)]
