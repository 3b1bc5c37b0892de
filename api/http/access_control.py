"""The door of every request: how large it may be, who sends it, how often, and whether that caller may do this.

One middleware in front of all routes, so that a route that is added later is closed unless it is named here. What a
request needs follows from its method and path alone (`needed_scope`); the OpenAPI document is made from the same
function.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.authentication import Caller, Credentials, KeyRing
from api.http.login_sessions import CHALLENGE, to_login
from api.http.problems import problem_response, respond_to
from api.http.request_limits import RateLimit, address_of, limited, retry_after, too_large
from nas_controller.states import KeyScope
from nas_controller.store import StoreError

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/login", "/logout"})
PUBLIC_FILES = "/static/"  # scripts and styles as everybody can install them; the login page needs some
ADMIN_PATHS = ("/v1/keys",)
UNLIMITED_PATHS = frozenset({"/healthz"})


def needed_scope(method: str, path: str) -> KeyScope | None:
    """The scope that a request needs; None where it needs no key."""
    reads = method in READING_METHODS
    if path in PUBLIC_PATHS or (reads and path.startswith(PUBLIC_FILES)):
        return None
    if any(path == admin or path.startswith(f"{admin}/") for admin in ADMIN_PATHS):
        return "admin"
    return "view" if reads else "operate"


class Doors:
    """Middleware that answers 401, 403, 413 and 429 in place of the routes, and tells them who calls.

    Routes find the `Caller` in `request.state.caller` (None where a public route was asked without a key), and in
    `request.state.is_still_allowed` a function that looks again, for answers that take long.
    """

    def __init__(
        self, app: ASGIApp, ring: KeyRing, requests: RateLimit, failures: RateLimit, body_limit_bytes: int
    ) -> None:
        self.app = app
        self.ring = ring
        self.requests = requests
        self.failures = failures
        self.body_limit_bytes = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is None:
            await self.app(scope, limited(receive, self.body_limit_bytes), send)
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Why this request is not answered; None where it is, and its state then tells who calls."""
        headers = Headers(scope=scope)
        credentials = Credentials.of(headers)
        needed = needed_scope(scope["method"], scope["path"])
        if (length := headers.get("content-length", "0")).isdecimal() and int(length[:20]) > self.body_limit_bytes:
            return _problem(scope, 413, too_large(self.body_limit_bytes), headers={"Connection": "close"})
        if scope["method"] not in READING_METHODS and not _comes_from_here(headers, credentials):
            detail = (
                "a request that changes something is taken from the pages of this service, or with a key of its own"
            )
            return _problem(scope, 403, detail, kind="foreign-origin")
        try:
            caller = await self._caller(credentials, needed)
        except StoreError as error:
            return respond_to(Request(scope), error)
        address = address_of(scope)
        # Without any key only this machine can call, and its load tests need no protection from themselves.
        is_open = caller is not None and caller.key_id is None
        bucket = caller.key_id if caller is not None and caller.key_id is not None else address
        if scope["path"] not in UNLIMITED_PATHS and not is_open and (wait := self.requests.take(bucket)):
            return _problem(scope, 429, "too many requests; wait a little", headers=retry_after(wait))
        if needed is not None:
            if caller is None:
                return self._unrecognised(scope, credentials, needed, address)
            if not caller.allows(needed):
                detail = f"this needs a key with scope {needed}; key {caller.key_id} has scope {caller.scope}"
                return _problem(scope, 403, detail, kind="scope-missing")
        scope["state"]["caller"] = caller
        scope["state"]["is_still_allowed"] = self._looking_again(credentials, needed)
        return None

    async def _caller(self, credentials: Credentials, needed: KeyScope | None) -> Caller | None:
        """Who calls. Public routes answer whoever it is, and so do not ask a store that may be away."""
        if needed is not None:
            return await run_in_threadpool(self.ring.recognise, credentials)
        if not credentials.are_shown:
            return None
        try:
            return await run_in_threadpool(self.ring.recognise, credentials)
        except StoreError:
            return None

    def _unrecognised(self, scope: Scope, credentials: Credentials, needed: KeyScope, address: str) -> Response:
        """401, for a browser the login page, and 429 for one who shows wrong keys over and over."""
        if credentials.are_shown and (wait := self.failures.take(address)):
            return _problem(scope, 429, "too many wrong keys from this address", headers=retry_after(wait))
        if credentials.key is None and (login := to_login(scope)):
            return login
        if credentials.key is not None:
            reason = "the key is unknown, expired or revoked"
        elif credentials.token is not None:
            reason = "the session is over; log in again at /login"
        else:
            reason = "no key was sent"
        detail = f"{reason}; this needs one with scope {needed}, as `Authorization: Bearer KEY`"
        return _problem(scope, 401, detail, kind="key-missing", headers=CHALLENGE)

    def _looking_again(self, credentials: Credentials, needed: KeyScope | None) -> Callable[[], bool]:
        def is_still_allowed() -> bool:
            caller = self.ring.recognise(credentials)
            return needed is None or (caller is not None and caller.allows(needed))

        return is_still_allowed


def _comes_from_here(headers: Headers, credentials: Credentials) -> bool:
    """Whether no page of another site made a browser send this.

    A browser says in Sec-Fetch-Site or Origin where a request comes from. The hosts' middleware has refused every
    Origin but our own; here, whatever a cookie alone vouches for must carry one of the two, and neither may name
    another site. SameSite keeps the cookie from such requests already; this does not rely on it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    by_cookie = credentials.key is None and credentials.token is not None
    return not by_cookie or site == "same-origin" or "origin" in headers


def _problem(
    scope: Scope, status: int, detail: str, *, kind: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    request_id = scope["state"].get("request_id")
    return problem_response(status, detail, scope["path"], kind=kind, request_id=request_id, headers=headers)
