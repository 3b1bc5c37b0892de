"""Logging in to the dashboard with a key, and out again."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.http.authentication import COOKIE
from api.http.dependencies import SettingsOfService, StoreOfService
from api.http.login_sessions import CHALLENGE, drop_cookie, page_of, set_cookie
from api.http.request_limits import RateLimit, address_of, retry_after
from api.http.routes.dashboard import templates

router = APIRouter(include_in_schema=False)

FORM = "application/x-www-form-urlencoded"
SEE_OTHER = 303


@router.get("/login")
def page(request: Request, next: str | None = None) -> Response:
    """The form."""
    return _form(request, page_of(next))


@router.post("/login")
async def log_in(request: Request, store: StoreOfService, settings: SettingsOfService) -> Response:
    """Opens a session for the key of the form and goes to the page that was wanted.

    Unlike wrong keys of programs, too many wrong ones here shut the form for a while, even for a right one.
    """
    fields = await _fields(request)
    page = page_of(fields.get("next"))
    failures: RateLimit = request.app.state.failures
    address = address_of(request.scope)
    if wait := failures.wait(address):
        return _form(request, page, "Too many wrong keys from this address. Wait a little.", 429, retry_after(wait))
    record = await run_in_threadpool(store.service.identify_key, fields.get("key", "").strip())
    if record is None:
        failures.take(address)
        return _form(request, page, "This key is unknown, expired or revoked.", 401, CHALLENGE)
    lifetime = timedelta(hours=settings.session_hours)
    before = request.cookies.get(COOKIE)
    if before:
        await run_in_threadpool(store.service.end_session, before)
    token = await run_in_threadpool(store.service.create_session, record.id, lifetime)
    response = RedirectResponse(page, SEE_OTHER)
    set_cookie(response, request, token, int(lifetime.total_seconds()))
    return response


@router.post("/logout")
def log_out(request: Request, store: StoreOfService) -> Response:
    """Ends the session of this browser."""
    token = request.cookies.get(COOKIE)
    if token:
        store.service.end_session(token)
    response = RedirectResponse("/login", SEE_OTHER)
    drop_cookie(response, request)
    response.headers["Clear-Site-Data"] = '"cache"'  # answers to polls lie there
    return response


async def _fields(request: Request) -> dict[str, str]:
    """The fields of the form, the first of each name."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"the login takes a form; programs send their key as `{FORM}` or, better, as a header")
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=8)
    except ValueError:
        raise HTTPException(400, "the form does not parse") from None
    return {name: values[0] for name, values in fields.items()}


def _form(
    request: Request, page: str, trouble: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    context = {"here": "login", "next": page, "trouble": trouble}
    return templates.TemplateResponse(request, "login.html", context, status_code=status, headers=headers)
