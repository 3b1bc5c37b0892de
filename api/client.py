"""A synchronous client of the REST API, which the command line and the demo use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import RootModel

from api.client_connection import ServiceUnreachableError as ServiceUnreachableError
from api.client_connection import segment
from api.client_responses import ServiceRefusedError as ServiceRefusedError
from api.client_responses import document_in
from api.client_trainings import TrainingsClient
from api.client_webhooks import WebhooksClient
from api.documents import (
    BestDocument,
    CampaignDocument,
    DryRunDocument,
    EstimateDocument,
    EventDocument,
    ExportDocument,
    ExportFormatDocument,
    ExportsDocument,
    FinalsReportDocument,
    HealthDocument,
    ListedCampaignDocument,
    ReadinessDocument,
    TrialDetailDocument,
    TrialDocument,
)
from nas_controller.states import ArchivedFilter, CampaignOrder, PauseMode, WeightsWanted


class AnyDocument(RootModel[dict[str, Any]]):
    """A JSON object whose fields are in the OpenAPI document."""


class Client(TrainingsClient, WebhooksClient):
    """A client of the service at `url`, by default EFFSPINE_URL, with the key of EFFSPINE_API_KEY.

    Every method raises ServiceUnreachableError if no service responds and ServiceRefusedError if the service responds
    with an error.
    """

    def health(self) -> HealthDocument:
        """Liveness of the service."""
        return self._read(HealthDocument, "/healthz")

    def ready(self) -> ReadinessDocument:
        """Readiness of the service. Raises ServiceRefusedError while it is not ready."""
        return self._read(ReadinessDocument, "/readyz")

    def create_campaign(self, specification: dict[str, Any], *, draft: bool = False) -> CampaignDocument:
        """Creates a campaign, or a draft of one."""
        return self._change(CampaignDocument, f"/v1/campaigns{'?draft=true' if draft else ''}", specification)

    def dry_run_campaign(self, specification: dict[str, Any]) -> DryRunDocument:
        """What `create_campaign` would create, with its estimate, its feasible budgets and warnings.

        Nothing is created; a specification is refused as `create_campaign` refuses it.
        """
        return self._change(DryRunDocument, "/v1/campaigns?dry_run=true", specification)

    def start_campaign(self, campaign_id: str) -> CampaignDocument:
        """Starts a draft."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/start")

    def update_campaign(self, campaign_id: str, patch: dict[str, Any]) -> CampaignDocument:
        """Changes a campaign by a JSON merge patch (RFC 7396), which is idempotent."""
        return document_in(CampaignDocument, self._send("PATCH", f"/v1/campaigns/{segment(campaign_id)}", json=patch))

    def annotate_campaign(
        self,
        campaign_id: str,
        *,
        notes: str | None = None,
        tags: Sequence[str] | None = None,
        archived: bool | None = None,
    ) -> CampaignDocument:
        """Changes the annotations that are given, in any state of the campaign; `tags` replaces all of them."""
        given = {"notes": notes, "tags": None if tags is None else list(tags), "archived": archived}
        return self.update_campaign(campaign_id, {name: value for name, value in given.items() if value is not None})

    def delete_campaign(self, campaign_id: str) -> None:
        """Deletes a campaign that has ended, or a draft, with its trials and files."""
        self._remove(f"/v1/campaigns/{segment(campaign_id)}")

    def estimate(self, specification: dict[str, Any]) -> EstimateDocument:
        """Estimates the duration of a campaign, which is not created."""
        return self._change(EstimateDocument, "/v1/campaigns/estimate", specification)

    def stop_campaign(self, campaign_id: str) -> CampaignDocument:
        """Requests a stop; running trials are abandoned."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/stop")

    def pause_campaign(self, campaign_id: str, mode: PauseMode = "drain") -> CampaignDocument:
        """Requests a pause: after the running trials (`drain`), or at once (`abort`)."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/pause", {"mode": mode})

    def resume_campaign(self, campaign_id: str) -> CampaignDocument:
        """Resumes a paused campaign."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/resume")

    def retry_campaign(self, campaign_id: str) -> CampaignDocument:
        """Lets a failed campaign continue; finished trials keep their outcomes."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/retry")

    def campaign(self, campaign_id: str) -> CampaignDocument:
        """One campaign."""
        return self._read(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}")

    def campaigns(
        self,
        *,
        state: str | None = None,
        text: str | None = None,
        tag: str | None = None,
        archived: ArchivedFilter = "false",
        order_by: CampaignOrder = "-created",
        at_most: int | None = None,
        with_search: bool = False,
    ) -> Iterator[ListedCampaignDocument]:
        """Campaigns, or `at_most` so many, newest first unless ordered otherwise: in a state, with `text` in the name,
        the id or a tag, and with a tag. Archived ones are left out unless `archived` asks for them (`true`), or for
        all (`any`). `with_search` has `summary.search` of each.
        """
        query = {"state": state, "q": text, "tag": tag, "archived": archived, "sort": order_by}
        query["include"] = "search" if with_search else None
        return self._all(ListedCampaignDocument, "/v1/campaigns", query, at_most)

    def trials(
        self, campaign_id: str, *, state: str | None = None, order_by: str | None = None, at_most: int | None = None
    ) -> Iterator[TrialDocument]:
        """All trials of a campaign, or `at_most` so many, ordered by number or by `order_by`, such as `-reward`."""
        path = f"/v1/campaigns/{segment(campaign_id)}/trials"
        return self._all(TrialDocument, path, {"state": state, "order_by": order_by}, at_most)

    def trial(self, campaign_id: str, number: int) -> TrialDetailDocument:
        """One trial with its attempts and its learning curve."""
        return self._read(TrialDetailDocument, f"/v1/campaigns/{segment(campaign_id)}/trials/{number}")

    def best(self, campaign_id: str, k: int = 1) -> BestDocument:
        """The `k` best trials, the one that finals rank first at the front, and the baseline."""
        return self._read(BestDocument, f"/v1/campaigns/{segment(campaign_id)}/best", {"k": k})

    def figure(self, campaign_id: str, name: str) -> dict[str, Any]:
        """The numbers of a figure, such as `search`, the health of the search."""
        return self._read(AnyDocument, f"/v1/campaigns/{segment(campaign_id)}/figures/{segment(name)}").root

    def finals(self, campaign_id: str) -> FinalsReportDocument:
        """The finals: their verdict and their trainings. Raises ServiceRefusedError (404) before they begin."""
        return self._read(FinalsReportDocument, f"/v1/campaigns/{segment(campaign_id)}/finals")

    def run_finals(self, campaign_id: str, **fields: Any) -> CampaignDocument:
        """Runs finals of a campaign that is over, or more of them; `fields` are those of its `finals` that change."""
        return self._change(CampaignDocument, f"/v1/campaigns/{segment(campaign_id)}/finals", fields)

    def drawing(self, campaign_id: str, name: str, width_px: int) -> str:
        """A figure as an SVG document on white paper, laid out for this width."""
        path = f"/v1/campaigns/{segment(campaign_id)}/figures/{segment(name)}.svg"
        return self._file(path, {"width": width_px}, f"{name}.svg")[1].decode("utf-8")

    def export_formats(self) -> list[ExportFormatDocument]:
        """The formats of exports."""
        return list(self._all(ExportFormatDocument, "/v1/export-formats", {}))

    def exports(self, campaign_id: str, trial: int | None = None) -> ExportsDocument:
        """The weights and the exports of a trial: the first of `best`, or `trial`."""
        return self._read(ExportsDocument, f"/v1/campaigns/{segment(campaign_id)}/exports", {"trial": trial})

    def request_export(
        self, campaign_id: str, format: str, trial: int | None = None, weights: WeightsWanted = "best"
    ) -> ExportDocument:
        """Requests an export in a format that a process makes; the same request gives the same export."""
        body = {"format": format, "trial": trial, "weights": weights}
        return self._change(ExportDocument, f"/v1/campaigns/{segment(campaign_id)}/exports", body)

    def read_export(self, export_id: str) -> ExportDocument:
        """An export that was requested."""
        return self._read(ExportDocument, f"/v1/exports/{segment(export_id)}")

    def download_export(self, export: ExportDocument, directory: Path) -> Path:
        """Downloads a completed export to a directory, which is made if it is missing, and returns its path.

        The file is complete or not there at all. Raises EffspineError where it cannot be written, or where its content
        does not have the digest of the export.
        """
        return self._download(
            f"/v1/exports/{segment(export.id)}/file", directory, Path(export.file_name).name, export.sha256
        )

    def export(self, campaign_id: str, format: str, trial: int | None = None) -> tuple[str, bytes]:
        """File name and content of an export in a format that the service makes itself, or that is made: of the first
        of `best`, or of `trial`.
        """
        path = f"/v1/campaigns/{segment(campaign_id)}/exports/{segment(format)}"
        return self._file(path, {"trial": trial}, f"architecture.{format}")

    def events(self, campaign_id: str, after: int = 0) -> Iterator[EventDocument]:
        """Events after the sequence `after`, as they happen, until the campaign has finished.

        A lost stream is resumed after the last received event, so none is missed or repeated. Raises
        ServiceUnreachableError if reconnecting fails repeatedly.
        """
        return self._events(f"/v1/campaigns/{segment(campaign_id)}/events", after)
