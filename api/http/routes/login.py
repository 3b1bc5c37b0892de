"""Login to the dashboard with a key, and logout."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.http.authentication import COOKIE
from api.http.dependencies import ServiceSettings, ServiceStore
from api.http.login_sessions import CHALLENGE, delete_session_cookie, safe_next_page, set_session_cookie
from api.http.request_limits import RateLimit, client_address, retry_after
from api.http.routes.dashboard import templates

router = APIRouter(include_in_schema=False)

FORM = "application/x-www-form-urlencoded"
SEE_OTHER = 303


@router.get("/login")
def page(request: Request, settings: ServiceSettings, next: str | None = None) -> Response:
    """The login form."""
    return _form(request, safe_next_page(next, settings.root_path))


@router.post("/login")
async def log_in(request: Request, store: ServiceStore, settings: ServiceSettings) -> Response:
    """Creates a session for the key in the form and redirects to the requested page.

    After too many wrong keys the form rejects even a valid one for a while, unlike requests with a key in a header.
    """
    fields = await _fields(request)
    page = safe_next_page(fields.get("next"), settings.root_path)
    failures: RateLimit = request.app.state.failures
    address = client_address(request.scope)
    if wait := failures.wait(address):
        return _form(request, page, "Too many wrong keys from this address. Try again later.", 429, retry_after(wait))
    record = await run_in_threadpool(store.service.identify_key, fields.get("key", "").strip())
    if record is None:
        failures.take(address)
        return _form(request, page, "This key is unknown, expired or revoked.", 401, CHALLENGE)
    lifetime = timedelta(hours=settings.session_hours)
    previous = request.cookies.get(COOKIE)
    if previous:
        await run_in_threadpool(store.service.end_session, previous)
    token = await run_in_threadpool(store.service.create_session, record.id, lifetime)
    response = RedirectResponse(page, SEE_OTHER)
    set_session_cookie(response, request, token, int(lifetime.total_seconds()))
    return response


@router.post("/logout")
def log_out(request: Request, store: ServiceStore) -> Response:
    """Ends this browser's session."""
    token = request.cookies.get(COOKIE)
    if token:
        store.service.end_session(token)
    response = RedirectResponse("/login", SEE_OTHER)
    delete_session_cookie(response, request)
    response.headers["Clear-Site-Data"] = '"cache"'  # it holds responses to conditional GETs
    return response


async def _fields(request: Request) -> dict[str, str]:
    """The fields of the form; the first of repeated ones."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(
            415, f"the login expects a form (`{FORM}`); programs should send their key as a header instead"
        )
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=8)
    except ValueError:
        raise HTTPException(400, "the form cannot be parsed") from None
    return {name: values[0] for name, values in fields.items()}


def _form(
    request: Request, page: str, error: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    context = {"current_page": "login", "next": page, "error": error}
    return templates.TemplateResponse(request, "login.html", context, status_code=status, headers=headers)
