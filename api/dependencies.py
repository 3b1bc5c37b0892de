"""What handlers are given: the store and the settings of the service that they belong to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from api.settings import Settings
from nas_controller.store import Store


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


StoreOfService = Annotated[Store, Depends(_store)]
SettingsOfService = Annotated[Settings, Depends(_settings)]
CampaignId = Annotated[str, Path(description="Id of the campaign.", max_length=64)]
