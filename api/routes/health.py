"""Whether the service is alive and ready, and its counters."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.dependencies import SettingsOfService, StoreOfService
from api.documents import HealthDocument
from api.metrics import ServiceMetrics

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Alive?")
def healthz(settings: SettingsOfService) -> HealthDocument:
    """Answers as long as the process answers at all."""
    return HealthDocument(status="ok", version=version("effspine"), data_dir=str(settings.data_dir))


@router.get("/readyz", summary="Ready?")
def readyz(store: StoreOfService, settings: SettingsOfService) -> HealthDocument:
    """Answers 200 once the store answers with this schema and has room; 503 while it does not, 507 while it is full."""
    store.check()
    return HealthDocument(status="ready", version=version("effspine"), data_dir=str(settings.data_dir))


@router.get("/metrics", response_class=Response, summary="Counters for Prometheus")
def metrics(request: Request) -> Response:
    """Requests, campaigns by state and trials, in Prometheus' text format."""
    counters: ServiceMetrics = request.app.state.metrics
    return Response(counters.exposition(), media_type=CONTENT_TYPE_LATEST)
