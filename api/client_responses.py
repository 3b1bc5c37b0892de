"""Reads the responses of the service: documents, and problem documents as errors."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from api.service_url import KEY_VARIABLE
from search_space.atomic_file import partial_path
from search_space.errors import EffspineError
from search_space.secret_urls import displayed_url

BUSY_SECONDS = 30.0
"""How long to wait while the service still executes an earlier sending of the same request."""
PENDING_SECONDS = 600.0
"""How long to wait for what the service computes with several requests."""

Document = TypeVar("Document", bound=BaseModel)


class ServiceRefusedError(EffspineError):
    """The service rejected a request; `status` is the HTTP status, `problem` the problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"the service responded with {status}"))
        self.status = status
        self.problem = problem


def document_in(response_model: type[Document], response: httpx.Response) -> Document:
    """The document in a response. Raises ServiceRefusedError for an error and for a body that is no such document."""
    raise_for_status(response)
    try:
        return response_model.model_validate_json(response.content)
    except ValidationError:
        raise refusal(response, "the JSON") from None


def refusal(response: httpx.Response, expected: str) -> ServiceRefusedError:
    """The error of a response that is not what was `expected`. Raises it as `raise_for_status` does for an error."""
    raise_for_status(response)
    shown = displayed_url(str(response.url))
    detail = f"the response of {shown} is not {expected} that was expected; is it an effspine service?"
    return ServiceRefusedError(response.status_code, {"detail": detail})


def is_event_stream(response: httpx.Response) -> bool:
    """Whether a response is a stream of server-sent events."""
    return response.is_success and response.headers.get("content-type", "").startswith("text/event-stream")


def raise_for_status(response: httpx.Response) -> None:
    """Raises ServiceRefusedError, with the problem document if there is one, for an error response."""
    if response.is_success:
        return
    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
    problem = _json_object(response) if is_problem else {}
    if not problem:
        shown = displayed_url(str(response.url))
        problem = {"detail": f"{shown} responded with {response.status_code} {response.reason_phrase}"}
    elif response.status_code == httpx.codes.UNAUTHORIZED:
        problem["detail"] = f"{problem.get('detail')} (commands read it from {KEY_VARIABLE})"
    raise ServiceRefusedError(response.status_code, problem)


def _json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response; empty if there is none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


UNAVAILABLE = frozenset((httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT))
"""Statuses while a service, or a proxy in front of it, is restarted or its database does not respond."""


def is_busy(response: httpx.Response) -> bool:
    """Whether the same request, sent before, is still being executed."""
    if response.status_code != httpx.codes.CONFLICT:
        return False
    return str(_json_object(response).get("type", "")).endswith(":idempotency-key-busy")


def retry_after_seconds(response: httpx.Response, default: float = 1.0) -> float:
    """How long to wait before the request is sent again; `default` where the response does not say."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), BUSY_SECONDS) if given.isdecimal() else default


def file_name(response: httpx.Response, default: str) -> str:
    """The name of a download, without directories."""
    name = response.headers.get("content-disposition", "").partition('filename="')[2].rstrip('"')
    return Path(name).name or default


def write_download(response: httpx.Response, path: Path, sha256: str | None) -> None:
    """Writes the body of a streamed response to `path`, whole or not at all.

    Raises EffspineError where it cannot be written or does not have this digest, and what httpx raises.
    """
    partial, digest = partial_path(path), hashlib.sha256()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as file:
            for chunk in response.iter_bytes():
                digest.update(chunk)
                file.write(chunk)
        if sha256 is not None and digest.hexdigest() != sha256:
            raise EffspineError(f"{path.name} was not downloaded: its SHA-256 is {digest.hexdigest()}, not {sha256}")
        partial.replace(path)
    except OSError as error:
        raise EffspineError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
