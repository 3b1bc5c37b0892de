"""Access control in front of all routes: body size, origin, rate limit, authentication and scope.

One middleware, so that a new route is protected by default. The scope that a request needs follows from its method and
path (`required_scope`); the OpenAPI document is generated from the same function.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.authentication import Authenticator, Caller, Credentials
from api.http.error_handlers import handle_error
from api.http.login_sessions import CHALLENGE, login_redirect
from api.http.problem_documents import problem_response
from api.http.request_limits import RateLimit, client_address, retry_after, too_large, with_body_limit
from nas_controller.states import KeyScope
from nas_controller.store import StoreError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/login", "/logout"})
PUBLIC_FILES = "/static/"  # the login page needs some of them, and they are not secret
ADMIN_PATHS = ("/v1/keys", "/v1/webhooks")
UNLIMITED_PATHS = frozenset({"/healthz"})


def required_scope(method: str, path: str) -> KeyScope | None:
    """The scope that a request needs; None if it needs no key."""
    is_safe = method in SAFE_METHODS
    if path in PUBLIC_PATHS or (is_safe and path.startswith(PUBLIC_FILES)):
        return None
    if any(path == admin or path.startswith(f"{admin}/") for admin in ADMIN_PATHS):
        return "admin"
    return "view" if is_safe else "operate"


class AccessControl:
    """Middleware that rejects requests with 401, 403, 413 and 429, and passes the caller on to the routes.

    Routes find the `Caller` in `request.state.caller` (None on a public route without a valid key), and in
    `request.state.is_still_allowed` a function that checks again, for responses that take long.
    """

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        requests: RateLimit,
        failures: RateLimit,
        body_limit_bytes: int,
    ) -> None:
        self.app = app
        self.authenticator = authenticator
        self.requests = requests
        self.failures = failures
        self.body_limit_bytes = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        rejection = await self._rejection(scope)
        if rejection is None:
            await self.app(scope, with_body_limit(receive, self.body_limit_bytes), send)
        else:
            await rejection(scope, receive, send)

    async def _rejection(self, scope: Scope) -> Response | None:
        """The response to a request that is not allowed; None if it is, with the caller in the request's state."""
        headers = Headers(scope=scope)
        credentials = Credentials.of(headers)
        required = required_scope(scope["method"], scope["path"])
        if (length := headers.get("content-length", "0")).isdecimal() and int(length[:20]) > self.body_limit_bytes:
            return problem_response(scope, 413, too_large(self.body_limit_bytes), headers={"Connection": "close"})
        if scope["method"] not in SAFE_METHODS and not _is_same_origin(headers, credentials):
            detail = "requests that change something must come from this service's pages or carry an API key"
            return problem_response(scope, 403, detail, kind="foreign-origin")
        try:
            caller = await self._caller(credentials, required)
        except StoreError as error:
            return handle_error(Request(scope), error)
        address = client_address(scope)
        # Without any key only this machine has access, whose own load tests must not be limited.
        is_open = caller is not None and caller.key_id is None
        bucket = caller.key_id if caller is not None and caller.key_id is not None else address
        if scope["path"] not in UNLIMITED_PATHS and not is_open and (wait := self.requests.take(bucket)):
            return problem_response(scope, 429, "too many requests; retry later", headers=retry_after(wait))
        if required is not None:
            if caller is None:
                return self._unauthenticated(scope, credentials, required, address)
            if not caller.allows(required):
                detail = f"this needs a key with scope {required}; key {caller.key_id} has scope {caller.scope}"
                return problem_response(scope, 403, detail, kind="scope-missing")
        scope["state"]["caller"] = caller
        scope["state"]["is_still_allowed"] = self._recheck(credentials, required)
        return None

    async def _caller(self, credentials: Credentials, required: KeyScope | None) -> Caller | None:
        """The authenticated caller. On public routes None if the database is unavailable, since they need no key."""
        if required is not None:
            return await run_in_threadpool(self.authenticator.authenticate, credentials)
        if not credentials.are_given:
            return None
        try:
            return await run_in_threadpool(self.authenticator.authenticate, credentials)
        except StoreError:
            return None

    def _unauthenticated(self, scope: Scope, credentials: Credentials, required: KeyScope, address: str) -> Response:
        """The response 401, for a browser the login page, or 429 after too many wrong keys."""
        if credentials.key is not None and (wait := self.failures.take(address)):
            return problem_response(scope, 429, "too many wrong keys from this address", headers=retry_after(wait))
        if credentials.key is None and (login := login_redirect(scope)):
            return login
        if credentials.key is not None:
            reason = "the key is unknown, expired or revoked"
        elif credentials.token is not None:
            reason = "the session has expired; log in again at /login"
        else:
            reason = "no key was sent"
        detail = f"{reason}; this needs one with scope {required}, as `Authorization: Bearer KEY`"
        return problem_response(scope, 401, detail, kind="key-missing", headers=CHALLENGE)

    def _recheck(self, credentials: Credentials, required: KeyScope | None) -> Callable[[], bool]:
        def is_still_allowed() -> bool:
            caller = self.authenticator.authenticate(credentials)
            return required is None or (caller is not None and caller.allows(required))

        return is_still_allowed


def _is_same_origin(headers: Headers, credentials: Credentials) -> bool:
    """Whether the request was not sent by a page of another site.

    Browsers name the origin of a request in Sec-Fetch-Site or Origin. `TrustedHosts` has already rejected every foreign
    Origin; here a foreign Sec-Fetch-Site is rejected, and a request with only a cookie must carry one of the two
    headers. SameSite=Strict already withholds the cookie from cross-site requests; this check does not rely on it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    has_only_cookie = credentials.key is None and credentials.token is not None
    return not has_only_cookie or site == "same-origin" or "origin" in headers
