"""The service as one ASGI application: its routes, its middleware and its error handlers, each as a list."""

from __future__ import annotations

from importlib.metadata import version

from fastapi.staticfiles import StaticFiles
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api.http.access_control import Doors
from api.http.authentication import KeyRing
from api.http.compression import COMPRESSED_FROM_BYTES, COMPRESSION_LEVEL
from api.http.conditional_get import NotModified, not_modified
from api.http.idempotency import Idempotency
from api.http.json_responses import kept_answers
from api.http.metrics import ServiceMetrics
from api.http.openapi import PROBLEM_RESPONSES, DescribedApi
from api.http.problems import HANDLERS
from api.http.request_context import RequestContext
from api.http.request_limits import RateLimit
from api.http.routes import (
    best,
    campaigns,
    dashboard,
    docs,
    events,
    exports,
    figures,
    health,
    keys,
    login,
    policy,
    schemas,
    trials,
)
from api.http.trusted_hosts import KnownHosts
from api.settings import Settings
from nas_controller.store import Store

DESCRIPTION = """\
Resource distribution search for scale-permuted detectors: a campaign samples channel widths on a multi-adds budget,
trains each as a short proxy, learns from the rewards, and hands out the best.

Times are UTC in ISO 8601, durations end in `_seconds`, multi-adds are plain unless a name says profiler. Lists answer
`{items, next_cursor}`; give `next_cursor` back as `cursor`. Errors are problem documents (RFC 9457).

A service with API keys wants one with every request, as `Authorization: Bearer KEY`; the scope that a request needs
stands beside its security scheme. A service on this machine alone is open until the first key is made.
"""
TAGS = [
    {"name": "campaigns", "description": "Start, watch and stop searches."},
    {"name": "trials", "description": "Sampled architectures and their rewards."},
    {"name": "results", "description": "The best architectures, figures ready to draw, and files to take away."},
    {"name": "service", "description": "Health, counters and keys."},
]
ROUTERS = (
    campaigns.router,
    trials.router,
    best.router,
    policy.router,
    events.router,
    figures.router,
    exports.router,
    schemas.router,
    keys.router,
    health.router,
    login.router,
    docs.router,
    dashboard.router,
)


def create_app(settings: Settings, store: Store, *, known_hosts: tuple[str, ...] = ()) -> DescribedApi:
    """The application over `store`. `known_hosts` are names beside those of the settings that it answers to."""
    metrics = ServiceMetrics(store.reads.totals, lambda: sum(each.is_alive for each in store.reads.list_supervisors()))
    ring = KeyRing(store, is_private=settings.is_private)
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
        middleware=[
            Middleware(RequestContext, metrics=metrics),
            Middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION_LEVEL),
            Middleware(KnownHosts, also=(*settings.hosts, *known_hosts)),
            Middleware(
                Doors,
                ring=ring,
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
    app.state.settings = settings
    app.state.store = store
    app.state.metrics = metrics
    app.state.ring = ring
    app.state.failures = failures
    app.state.kept_answers = kept_answers()
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=dashboard.STATIC_DIR), name="static")
    return app
