"""The ASGI application: its routes, middleware and error handlers."""

from __future__ import annotations

from importlib.metadata import version

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api.http.access_control import AccessControl
from api.http.authentication import Authenticator
from api.http.cached_responses import response_cache
from api.http.compression import COMPRESSION_LEVEL, MIN_COMPRESSED_BYTES, NOT_COMPRESSED
from api.http.conditional_get import NotModified, not_modified
from api.http.error_handlers import HANDLERS
from api.http.error_pages import ErrorPages
from api.http.head_requests import HeadRequests
from api.http.idempotency import Idempotency
from api.http.metrics import ServiceMetrics
from api.http.openapi import PROBLEM_RESPONSES, DescribedApi
from api.http.pending_responses import pending
from api.http.request_limits import RateLimit
from api.http.request_tracing import RequestTracing
from api.http.root_path import RootPath, require_distinct
from api.http.routes import (
    best,
    campaigns,
    curves,
    dashboard,
    datasets,
    detections,
    docs,
    drawings,
    events,
    exports,
    figure_files,
    figures,
    finals,
    health,
    keys,
    login,
    policy,
    report,
    schemas,
    trainings,
    trials,
    webhooks,
)
from api.http.static_files import CachedFiles
from api.http.trusted_hosts import TrustedHosts
from api.settings import Settings
from nas_controller.campaigns.campaign_summaries import CampaignSummaries
from nas_controller.campaigns.policy_history import HistoryPendingError
from nas_controller.store import Store

DESCRIPTION = """\
Resource distribution search for scale-permuted detectors: a campaign samples channel widths within a multi-adds budget,
trains each architecture as a short proxy task, learns from the rewards, and returns the best.

Times are UTC in ISO 8601, durations end in `_seconds`, multi-adds are plain unless a name says profiler. Lists return
`{items, next_cursor}`; pass `next_cursor` as `cursor` for the next page. Errors are problem documents (RFC 9457).

A service with API keys requires one with every request, as `Authorization: Bearer KEY`; each operation names the scope
that it needs. A service that only its own machine can reach is open until the first key is created.
"""
TAGS = [
    {"name": "campaigns", "description": "Start, watch and stop searches."},
    {"name": "trials", "description": "Sampled architectures and their rewards."},
    {"name": "results", "description": "The best architectures, data of figures, and exports."},
    {"name": "trainings", "description": "Train one network with a recipe: a trial, or any other architecture."},
    {"name": "data sets", "description": "The data that campaigns train on."},
    {"name": "webhooks", "description": "URLs that receive the events of campaigns."},
    {"name": "service", "description": "Health, metrics and keys."},
]
ROUTERS = (
    campaigns.router,
    trials.router,
    best.router,
    policy.router,
    events.router,
    finals.router,
    drawings.router,
    curves.router,
    figure_files.router,  # before the next, whose names would match the files' too
    figures.router,
    exports.router,
    detections.router,
    report.router,
    trainings.router,
    datasets.router,
    schemas.router,
    keys.router,
    webhooks.router,
    health.router,
    login.router,
    docs.router,
    dashboard.router,
)


def _living_supervisors(store: Store) -> int:
    return sum(supervisor.is_alive for supervisor in store.reads.list_supervisors())


def create_app(settings: Settings, store: Store, *, trusted_hosts: tuple[str, ...] = ()) -> DescribedApi:
    """The application on `store`. `trusted_hosts` are its names in addition to those of the settings.

    Raises InvalidValueError if the path prefix of the settings is one of the service's own paths.
    """
    metrics = ServiceMetrics(store.reads.totals, lambda: _living_supervisors(store), settings.data_dir)
    authenticator = Authenticator(store, is_private=settings.is_private)
    requests = RateLimit(settings.requests_per_second, settings.requests_burst)
    failures = RateLimit(settings.failures_per_minute / 60, round(settings.failures_per_minute))
    app = DescribedApi(
        title="effspine",
        version=version("effspine"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        middleware=[
            Middleware(RootPath, root_path=settings.root_path),
            Middleware(HeadRequests),
            Middleware(ErrorPages),
            Middleware(RequestTracing, metrics=metrics),
            Middleware(
                GZipMiddleware,
                minimum_size=MIN_COMPRESSED_BYTES,
                compresslevel=COMPRESSION_LEVEL,
                exclude_content_types=NOT_COMPRESSED,
            ),
            Middleware(TrustedHosts, hosts=(*settings.hosts, *trusted_hosts)),
            Middleware(
                AccessControl,
                authenticator=authenticator,
                requests=requests,
                failures=failures,
                body_limit_bytes=settings.body_limit_bytes,
            ),
            Middleware(Idempotency, store=store),
        ],
    )
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_exception_handler(NotModified, not_modified)
    app.add_exception_handler(HistoryPendingError, pending)
    app.state.settings = settings
    app.state.store = store
    app.state.metrics = metrics
    app.state.authenticator = authenticator
    app.state.failures = failures
    app.state.response_cache = response_cache()
    app.state.campaign_summaries = CampaignSummaries(store)
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", CachedFiles(directory=dashboard.STATIC_DIR), name="static")
    require_distinct(settings.root_path, [*app.state.routes, *app.routes])
    return app
