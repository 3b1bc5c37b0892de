"""Whether the service is alive and ready, and its counters."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.dependencies import SettingsOfService, StoreOfService
from api.documents import HealthDocument
from api.keys import KeyRing
from api.metrics import ServiceMetrics
from api.settings import Settings

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Alive?")
def healthz(request: Request, settings: SettingsOfService) -> HealthDocument:
    """Answers as long as the process answers at all. Whoever needs a key and shows none hears no more than that."""
    return _document("ok", request, settings)


@router.get("/readyz", summary="Ready?")
def readyz(request: Request, store: StoreOfService, settings: SettingsOfService) -> HealthDocument:
    """Answers 200 once the store answers with this schema and has room; 503 while it does not, 507 while it is full."""
    store.check()
    return _document("ready", request, settings)


def _document(status: Literal["ok", "ready"], request: Request, settings: Settings) -> HealthDocument:
    """Asks no store who is asking, which may be away."""
    ring: KeyRing = request.app.state.ring
    is_known = request.state.caller is not None or ring.was_open
    data_dir = str(settings.data_dir) if is_known else None
    return HealthDocument(status=status, version=version("effspine") if is_known else None, data_dir=data_dir)


@router.get("/metrics", response_class=Response, summary="Counters for Prometheus")
def metrics(request: Request) -> Response:
    """Requests, campaigns by state and trials, in Prometheus' text format."""
    counters: ServiceMetrics = request.app.state.metrics
    return Response(counters.exposition(), media_type=CONTENT_TYPE_LATEST)
