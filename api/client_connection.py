"""The connection of a client to a service: requests that are sent again, lists by pages, and streams of events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from httpx_sse import connect_sse

from api.client_responses import (
    BUSY_SECONDS,
    PENDING_SECONDS,
    UNAVAILABLE,
    Document,
    document_in,
    file_name,
    is_busy,
    is_event_stream,
    raise_for_status,
    refusal,
    retry_after_seconds,
    write_download,
)
from api.documents import EventDocument, Page
from api.service_url import URL_VARIABLE, key_header, service_url
from search_space.errors import EffspineError
from search_space.secret_urls import displayed_url

RETRY_WAITS_SECONDS = (0.2, 0.5, 1.0)
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
STREAM_TIMEOUT = httpx.Timeout(5.0, read=60.0)
SENDINGS = "effspine_sendings"
"""Name of the extension of a response that says how often its request was sent."""
PAGE_ITEMS = 1_000
"""Items of a page, the most that the service gives."""
END = "end"
"""Name of the server-sent event that ends the stream of a finished campaign or training."""


class ServiceUnreachableError(EffspineError):
    """No service responds at the URL."""


class Connection:
    """Requests to the service at `url`, by default EFFSPINE_URL, with the key of EFFSPINE_API_KEY.

    Every method raises ServiceUnreachableError if no service responds and ServiceRefusedError if the service responds
    with an error. Requests are sent again after a lost connection and after 502, 503 and 504, and streams of events
    go on after the last event; only a download to a file is not. A POST carries an `Idempotency-Key`, so that the
    service executes it once.
    """

    def __init__(self, url: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        base_url = service_url(url)
        self.url = displayed_url(base_url)
        """The URL without a user, for people."""
        self._http = httpx.Client(
            base_url=base_url, timeout=TIMEOUT, transport=transport, trust_env=False, headers=key_header()
        )
        self._was_connected = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _events(self, path: str, after: int) -> Iterator[EventDocument]:
        """The events after the sequence `after` until the end of the campaign or training, over as many connections as
        it takes. Only failures in succession count: a connection that the service accepts begins the count again.
        """
        attempts = 0
        while True:
            wait = RETRY_WAITS_SECONDS[min(attempts, len(RETRY_WAITS_SECONDS) - 1)]
            attempts += 1
            headers = {"Last-Event-ID": str(after)}
            try:
                with connect_sse(self._http, "GET", path, headers=headers, timeout=STREAM_TIMEOUT) as source:
                    response = source.response
                    if is_event_stream(response):
                        attempts, wait = 0, RETRY_WAITS_SECONDS[-1]
                        for event in source.iter_sse():
                            if event.event == END:
                                return
                            if event.data:  # httpx-sse yields an empty event for each heartbeat comment
                                document = EventDocument.model_validate_json(event.data)
                                after = document.sequence
                                yield document
                    elif attempts > len(RETRY_WAITS_SECONDS) or response.status_code not in UNAVAILABLE:
                        response.read()
                        raise refusal(response, "the stream of events")
                    else:
                        wait = retry_after_seconds(response, wait)
            except httpx.TransportError as error:
                if attempts > len(RETRY_WAITS_SECONDS):
                    raise self._unreachable(error) from error
            time.sleep(wait)

    def _file(self, path: str, parameters: dict[str, Any], default: str) -> tuple[str, bytes]:
        """The name and the content of a download."""
        response = self._get(path, parameters)
        raise_for_status(response)
        return file_name(response, default), response.content

    def _download(self, path: str, directory: Path, name: str, sha256: str | None = None) -> Path:
        """Writes a download to a directory in parts, whole or not at all, and returns its path.

        Its digest is `sha256`, or the `ETag` of the response. It is called as the response says, or else `name`.
        """
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise_for_status(response)
                file = directory / file_name(response, name)
                write_download(response, file, sha256 or _etag(response))
        except httpx.RequestError as error:
            raise self._unreachable(error) from error
        return file

    def _read(self, document: type[Document], path: str, parameters: dict[str, Any] | None = None) -> Document:
        return document_in(document, self._get(path, parameters))

    def _all(
        self, document: type[Document], path: str, parameters: dict[str, Any], at_most: int | None = None
    ) -> Iterator[Document]:
        """The items of a list, or the first `at_most` of them, by pages; a list without pages ignores their size."""
        cursor: str | None = None
        left = PAGE_ITEMS if at_most is None else at_most
        while left > 0:
            asked = {**parameters, "limit": min(PAGE_ITEMS, left), "cursor": cursor}
            page = document_in(Page[document], self._get(path, asked))  # type: ignore[valid-type]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return
            left -= 0 if at_most is None else len(page.items)

    def _get(self, path: str, parameters: dict[str, Any] | None = None) -> httpx.Response:
        """A GET, sent again while what it asks for is being computed, for up to PENDING_SECONDS.

        Raises EffspineError, with how far the service is, after that.
        """
        query = {name: value for name, value in (parameters or {}).items() if value is not None}
        deadline = time.monotonic() + PENDING_SECONDS
        while (response := self._send("GET", path, params=query)).status_code == httpx.codes.ACCEPTED:
            if time.monotonic() > deadline:
                raise EffspineError(
                    f"the service at {self._http.base_url} still computes this after {PENDING_SECONDS:.0f} seconds "
                    f"({response.json()['detail']}); ask again later"
                )
            time.sleep(retry_after_seconds(response))
        return response

    def _change(self, document: type[Document], path: str, body: dict[str, Any] | None = None) -> Document:
        """A POST that is executed once, however often it is sent."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            response = self._send("POST", path, json=body, headers=headers)
            if not is_busy(response) or time.monotonic() > deadline:
                return document_in(document, response)
            time.sleep(retry_after_seconds(response))

    def _remove(self, path: str) -> None:
        """A DELETE. Where a repeated one finds nothing, an earlier sending has been executed."""
        response = self._send("DELETE", path)
        if response.status_code != httpx.codes.NOT_FOUND or response.extensions[SENDINGS] == 1:
            raise_for_status(response)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Sends a request, and again after a lost connection and while the service is unavailable."""
        for sendings, wait in enumerate((*RETRY_WAITS_SECONDS, None), start=1):
            try:
                response = self._http.request(method, path, **request)
                response.extensions[SENDINGS] = sendings
                self._was_connected = True
                if wait is None or response.status_code not in UNAVAILABLE:
                    return response
                time.sleep(retry_after_seconds(response, wait))
            except httpx.TransportError as error:
                # If the service was never reachable, a retry would only delay the error.
                if wait is None or (isinstance(error, httpx.ConnectError) and not self._was_connected):
                    raise self._unreachable(error) from error
                time.sleep(wait)
            except httpx.RequestError as error:  # its body is not what its headers say
                raise self._unreachable(error) from error
        raise AssertionError("the last attempt returns or raises")

    def _unreachable(self, error: httpx.RequestError) -> ServiceUnreachableError:
        if isinstance(error, httpx.ConnectError):
            return ServiceUnreachableError(
                f"there is no service at {self.url}; start it with `effspine serve`, or set {URL_VARIABLE}"
            )
        return ServiceUnreachableError(f"the service at {self.url} does not respond: {error or type(error).__name__}")


def segment(value: str) -> str:
    """A value, percent-encoded as one segment of a path."""
    return quote(value, safe="") or "-"


def _etag(response: httpx.Response) -> str | None:
    """The entity tag of a response, which a proxy may have made a weak one."""
    found = str(response.headers.get("ETag", ""))
    return found.removeprefix("W/").strip('"') or None
