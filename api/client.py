"""A synchronous client of the REST API, which the command line and the demo use."""

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
    Document,
    document_in,
    is_busy,
    raise_for_status,
    retry_after_seconds,
    write_download,
)
from api.client_responses import ServiceRefusedError as ServiceRefusedError
from api.documents import (
    BestDocument,
    CampaignDocument,
    EstimateDocument,
    EventDocument,
    ExportDocument,
    ExportFormatDocument,
    FinalsReportDocument,
    HealthDocument,
    Page,
    ReadinessDocument,
    TrialDetailDocument,
    TrialDocument,
    TrialExportsDocument,
)
from api.service_url import URL_VARIABLE, key_header, service_url
from nas_controller.states import PauseMode, WeightsWanted
from search_space.errors import EffspineError
from search_space.secret_urls import displayed_url

RETRY_WAITS_SECONDS = (0.2, 0.5, 1.0)
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
STREAM_TIMEOUT = httpx.Timeout(5.0, read=60.0)
END = "end"
"""Name of the server-sent event that ends the stream of a finished campaign."""


class ServiceUnreachableError(EffspineError):
    """No service responds at the URL."""


class Client:
    """A client of the service at `url`, by default EFFSPINE_URL, with the key of EFFSPINE_API_KEY.

    Every method raises ServiceUnreachableError if no service responds and ServiceRefusedError if the service responds
    with an error. Requests are sent again after a lost connection; those that change something carry an
    `Idempotency-Key`, so that the service executes them once.
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

    def health(self) -> HealthDocument:
        """Liveness of the service."""
        return self._read(HealthDocument, "/healthz")

    def ready(self) -> ReadinessDocument:
        """Readiness of the service. Raises ServiceRefusedError while it is not ready."""
        return self._read(ReadinessDocument, "/readyz")

    def create_campaign(self, specification: dict[str, Any], *, draft: bool = False) -> CampaignDocument:
        """Creates a campaign, or a draft of one."""
        return self._change(CampaignDocument, f"/v1/campaigns{'?draft=true' if draft else ''}", specification)

    def start_campaign(self, campaign_id: str) -> CampaignDocument:
        """Starts a draft."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/start")

    def update_campaign(self, campaign_id: str, patch: dict[str, Any]) -> CampaignDocument:
        """Changes a campaign by a JSON merge patch (RFC 7396), which is idempotent."""
        return document_in(CampaignDocument, self._send("PATCH", f"/v1/campaigns/{_segment(campaign_id)}", json=patch))

    def estimate(self, specification: dict[str, Any]) -> EstimateDocument:
        """Estimates the duration of a campaign, which is not created."""
        return self._change(EstimateDocument, "/v1/campaigns/estimate", specification)

    def stop_campaign(self, campaign_id: str) -> CampaignDocument:
        """Requests a stop; running trials are abandoned."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/stop")

    def pause_campaign(self, campaign_id: str, mode: PauseMode = "drain") -> CampaignDocument:
        """Requests a pause: after the running trials (`drain`), or at once (`abort`)."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/pause", {"mode": mode})

    def resume_campaign(self, campaign_id: str) -> CampaignDocument:
        """Resumes a paused campaign."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/resume")

    def retry_campaign(self, campaign_id: str) -> CampaignDocument:
        """Lets a failed campaign continue; finished trials keep their outcomes."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/retry")

    def campaign(self, campaign_id: str) -> CampaignDocument:
        """One campaign."""
        return self._read(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}")

    def campaigns(self, *, state: str | None = None) -> Iterator[CampaignDocument]:
        """All campaigns, newest first."""
        return self._all(CampaignDocument, "/v1/campaigns", {"state": state})

    def trials(
        self, campaign_id: str, *, state: str | None = None, order_by: str | None = None
    ) -> Iterator[TrialDocument]:
        """All trials of a campaign, ordered by number or by `order_by`, such as `-reward`."""
        path = f"/v1/campaigns/{_segment(campaign_id)}/trials"
        return self._all(TrialDocument, path, {"state": state, "order_by": order_by})

    def trial(self, campaign_id: str, number: int) -> TrialDetailDocument:
        """One trial with its attempts and its learning curve."""
        return self._read(TrialDetailDocument, f"/v1/campaigns/{_segment(campaign_id)}/trials/{number}")

    def best(self, campaign_id: str, k: int = 1) -> BestDocument:
        """The `k` best trials, the one that finals rank first at the front, and the baseline."""
        return self._read(BestDocument, f"/v1/campaigns/{_segment(campaign_id)}/best", {"k": k})

    def finals(self, campaign_id: str) -> FinalsReportDocument:
        """The finals: their verdict and their trainings. Raises ServiceRefusedError (404) before they begin."""
        return self._read(FinalsReportDocument, f"/v1/campaigns/{_segment(campaign_id)}/finals")

    def run_finals(self, campaign_id: str, **fields: Any) -> CampaignDocument:
        """Runs finals of a campaign that is over, or more of them; `fields` are those of its `finals` that change."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/finals", fields)

    def export_formats(self) -> list[ExportFormatDocument]:
        """The formats of exports."""
        return list(self._all(ExportFormatDocument, "/v1/export-formats", {}))

    def exports(self, campaign_id: str, trial: int | None = None) -> TrialExportsDocument:
        """The weights and the exports of a trial: the first of `best`, or `trial`."""
        return self._read(TrialExportsDocument, f"/v1/campaigns/{_segment(campaign_id)}/exports", {"trial": trial})

    def request_export(
        self, campaign_id: str, format: str, trial: int | None = None, weights: WeightsWanted = "best"
    ) -> ExportDocument:
        """Requests an export in a format that a process makes; the same request gives the same export."""
        body = {"format": format, "trial": trial, "weights": weights}
        return self._change(ExportDocument, f"/v1/campaigns/{_segment(campaign_id)}/exports", body)

    def read_export(self, export_id: str) -> ExportDocument:
        """An export that was requested."""
        return self._read(ExportDocument, f"/v1/exports/{_segment(export_id)}")

    def download_export(self, export: ExportDocument, directory: Path) -> Path:
        """Downloads a completed export to a directory, which is made if it is missing, and returns its path.

        The file is complete or not there at all. Raises EffspineError where it cannot be written, or where its content
        does not have the digest of the export.
        """
        path = directory / Path(export.file_name).name
        address = f"/v1/exports/{_segment(export.id)}/file"
        try:
            with self._http.stream("GET", address) as response:
                if not response.is_success:
                    response.read()
                    raise_for_status(response)
                write_download(response, path, export.sha256)
        except httpx.RequestError as error:
            raise self._unreachable(error) from error
        return path

    def export(self, campaign_id: str, format: str, trial: int | None = None) -> tuple[str, bytes]:
        """File name and content of an export in a format that the service makes itself, or that is made: of the first
        of `best`, or of `trial`.
        """
        path = f"/v1/campaigns/{_segment(campaign_id)}/exports/{_segment(format)}"
        response = self._get(path, {"trial": trial})
        raise_for_status(response)
        name = response.headers.get("content-disposition", "").partition('filename="')[2].rstrip('"')
        return Path(name).name or f"architecture.{format}", response.content

    def events(self, campaign_id: str, after: int = 0) -> Iterator[EventDocument]:
        """Events after the sequence `after`, as they happen, until the campaign has finished.

        A lost stream is resumed after the last received event, so none is missed or repeated. Raises
        ServiceUnreachableError if reconnecting fails repeatedly.
        """
        path = f"/v1/campaigns/{_segment(campaign_id)}/events"
        failures = 0
        while True:
            try:
                for event in self._stream(path, after):
                    if event is None:
                        return
                    failures, after = 0, event.sequence
                    yield event
            except httpx.TransportError as error:
                if failures >= len(RETRY_WAITS_SECONDS):
                    raise self._unreachable(error) from error
            time.sleep(RETRY_WAITS_SECONDS[min(failures, len(RETRY_WAITS_SECONDS) - 1)])
            failures += 1

    def _stream(self, path: str, after: int) -> Iterator[EventDocument | None]:
        """The events of one connection; None at the end of a finished campaign."""
        headers = {"Last-Event-ID": str(after)}
        with connect_sse(self._http, "GET", path, headers=headers, timeout=STREAM_TIMEOUT) as source:
            if not source.response.is_success:
                source.response.read()
                raise_for_status(source.response)
            for event in source.iter_sse():
                if event.event == END:
                    yield None
                    return
                if event.data:  # httpx-sse yields an empty event for each heartbeat comment
                    yield EventDocument.model_validate_json(event.data)

    def _read(self, document: type[Document], path: str, parameters: dict[str, Any] | None = None) -> Document:
        return document_in(document, self._get(path, parameters))

    def _all(self, document: type[Document], path: str, parameters: dict[str, Any]) -> Iterator[Document]:
        cursor: str | None = None
        while True:
            page = document_in(Page[document], self._get(path, {**parameters, "cursor": cursor}))  # type: ignore[valid-type]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _get(self, path: str, parameters: dict[str, Any] | None = None) -> httpx.Response:
        query = {name: value for name, value in (parameters or {}).items() if value is not None}
        return self._send("GET", path, params=query)

    def _change(self, document: type[Document], path: str, body: dict[str, Any] | None = None) -> Document:
        """A POST that is executed once, however often it is sent."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            response = self._send("POST", path, json=body, headers=headers)
            if not is_busy(response) or time.monotonic() > deadline:
                return document_in(document, response)
            time.sleep(retry_after_seconds(response))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Sends a request, and again after a lost connection."""
        for wait in (*RETRY_WAITS_SECONDS, None):
            try:
                response = self._http.request(method, path, **request)
                self._was_connected = True
                return response
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


def _segment(value: str) -> str:
    """A value, percent-encoded as one segment of a path."""
    return quote(value, safe="") or "-"
