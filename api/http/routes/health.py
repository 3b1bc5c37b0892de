"""Whether the service is alive and ready, and its counters."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.documents import HealthDocument, ReadinessDocument, SupervisorDocument
from api.http.authentication import Credentials, KeyRing
from api.http.dependencies import SettingsOfService, StoreOfService
from api.http.metrics import ServiceMetrics
from nas_controller.store import StoreFullError
from nas_controller.store.database import LEAST_FREE_BYTES
from nas_controller.store.schema import HEAD

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Alive?")
def healthz(request: Request, settings: SettingsOfService) -> HealthDocument:
    """Answers as long as the process answers at all. Whoever needs a key and shows none hears no more than that."""
    ring: KeyRing = request.app.state.ring
    if request.state.caller is None and not ring.was_open:  # asks no store, which may be away
        return HealthDocument(status="ok", version=None, data_dir=None)
    return HealthDocument(status="ok", version=version("effspine"), data_dir=str(settings.data_dir))


@router.get("/readyz", summary="Ready?")
def readyz(request: Request, store: StoreOfService, settings: SettingsOfService) -> ReadinessDocument:
    """Answers 200 once the store answers with this version's schema and there is room for it and for files; 503 while
    it does not, 507 while a disk is full.

    A service without a supervisor is ready: it takes campaigns and shows them. `supervisors` says who runs them.
    """
    store.check()
    _check_room(settings.data_dir)
    ring: KeyRing = request.app.state.ring
    if request.state.caller is None and ring.recognise(Credentials()) is None:
        return ReadinessDocument(status="ready", version=None, data_dir=None)
    return ReadinessDocument(
        status="ready",
        version=version("effspine"),
        data_dir=str(settings.data_dir),
        schema_revision=HEAD,
        supervisors=[SupervisorDocument(**each.to_dict()) for each in store.reads.list_supervisors()],
    )


def _check_room(data_dir: Path) -> None:
    """Raises StoreFullError where logs and checkpoints find no room; a folder that is not there has its parent's."""
    folder = next(folder for folder in (data_dir, *data_dir.parents) if folder.is_dir())
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise StoreFullError(f"the disk of {data_dir} is full; free some space")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "The counters.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Counters for Prometheus",
)
def metrics(request: Request) -> Response:
    """Campaigns and trials by state, rewards, waits, lost workers and requests, in Prometheus' text format."""
    counters: ServiceMetrics = request.app.state.metrics
    return Response(counters.exposition(), media_type=CONTENT_TYPE_LATEST)
