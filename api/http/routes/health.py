"""Liveness, readiness and metrics."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.documents import HealthDocument, ReadinessDocument, SupervisorDocument
from api.http.authentication import Authenticator, Credentials
from api.http.dependencies import ServiceSettings, ServiceStore
from api.http.metrics import ServiceMetrics, free_bytes
from api.settings import Settings
from nas_controller.store.schema import HEAD
from search_space.source_commit import source_commit

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Alive?")
def healthz(request: Request, settings: ServiceSettings) -> HealthDocument:
    """Responds with 200 while the process runs. Version and directory are null for callers without a required key."""
    authenticator: Authenticator = request.app.state.authenticator
    if request.state.caller is None and not authenticator.was_open:  # without a query: the database may be unavailable
        return HealthDocument(status="ok", version=None, data_dir=None)
    return health_document(settings)


def health_document(settings: Settings) -> HealthDocument:
    """The health of a service that may say what it is."""
    return HealthDocument(
        status="ok", version=version("effspine"), data_dir=str(settings.data_dir), commit=_running_commit()
    )


@cache
def _running_commit() -> str | None:
    """The commit when it is first asked for; the code that runs is not read again."""
    return source_commit()


@router.get("/readyz", summary="Ready?")
def readyz(request: Request, store: ServiceStore, settings: ServiceSettings) -> ReadinessDocument:
    """Responds with 200 if the database responds, has this version's schema, and its disk is not full; else with 503,
    or 507 if that disk is full.

    A full disk of the data directory does not make the service unready, since a deleted campaign frees space.
    A service without a supervisor is ready: it accepts and shows campaigns. `supervisors` lists those that run them.
    """
    store.check()
    authenticator: Authenticator = request.app.state.authenticator
    if request.state.caller is None and authenticator.authenticate(Credentials()) is None:
        return ReadinessDocument(status="ready", version=None, data_dir=None)
    return ReadinessDocument(
        status="ready",
        version=version("effspine"),
        data_dir=str(settings.data_dir),
        commit=_running_commit(),
        schema_revision=HEAD,
        data_dir_free_bytes=free_bytes(settings.data_dir),
        supervisors=[SupervisorDocument(**supervisor.to_dict()) for supervisor in store.reads.list_supervisors()],
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Metrics for Prometheus",
)
def metrics(request: Request) -> Response:
    """Campaigns and trials by state, rewards, queue waits, dead workers and requests, in Prometheus' text format."""
    service_metrics: ServiceMetrics = request.app.state.metrics
    return Response(service_metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
