"""A synchronous client of the REST API, which the command line and the demo use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import RootModel

from api.client_connection import Connection
from api.client_connection import ServiceUnreachableError as ServiceUnreachableError
from api.client_responses import ServiceRefusedError as ServiceRefusedError
from api.client_responses import document_in, raise_for_status, write_download
from api.documents import (
    BestDocument,
    CampaignDocument,
    DeliveryDocument,
    DryRunDocument,
    EstimateDocument,
    EventDocument,
    ExportDocument,
    ExportFormatDocument,
    ExportsDocument,
    FinalsReportDocument,
    HealthDocument,
    ListedCampaignDocument,
    NewWebhookDocument,
    ReadinessDocument,
    TrainingDocument,
    TrainingRowDocument,
    TrialDetailDocument,
    TrialDocument,
    WebhookDocument,
)
from nas_controller.states import ArchivedFilter, CampaignOrder, PauseMode, WeightsWanted


class AnyDocument(RootModel[dict[str, Any]]):
    """A JSON object whose fields are in the OpenAPI document."""


class Client(Connection):
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
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/start")

    def update_campaign(self, campaign_id: str, patch: dict[str, Any]) -> CampaignDocument:
        """Changes a campaign by a JSON merge patch (RFC 7396), which is idempotent."""
        return document_in(CampaignDocument, self._send("PATCH", f"/v1/campaigns/{_segment(campaign_id)}", json=patch))

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
        raise_for_status(self._send("DELETE", f"/v1/campaigns/{_segment(campaign_id)}"))

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

    def campaigns(
        self,
        *,
        state: str | None = None,
        text: str | None = None,
        tag: str | None = None,
        archived: ArchivedFilter = "false",
        order_by: CampaignOrder = "-created",
        at_most: int | None = None,
    ) -> Iterator[ListedCampaignDocument]:
        """Campaigns, or `at_most` so many, newest first unless ordered otherwise: in a state, with `text` in the name,
        the id or a tag, and with a tag. Archived ones are left out unless `archived` asks for them (`true`), or for
        all (`any`).
        """
        query = {"state": state, "q": text, "tag": tag, "archived": archived, "sort": order_by}
        return self._all(ListedCampaignDocument, "/v1/campaigns", query, at_most)

    def trials(
        self, campaign_id: str, *, state: str | None = None, order_by: str | None = None, at_most: int | None = None
    ) -> Iterator[TrialDocument]:
        """All trials of a campaign, or `at_most` so many, ordered by number or by `order_by`, such as `-reward`."""
        path = f"/v1/campaigns/{_segment(campaign_id)}/trials"
        return self._all(TrialDocument, path, {"state": state, "order_by": order_by}, at_most)

    def trial(self, campaign_id: str, number: int) -> TrialDetailDocument:
        """One trial with its attempts and its learning curve."""
        return self._read(TrialDetailDocument, f"/v1/campaigns/{_segment(campaign_id)}/trials/{number}")

    def best(self, campaign_id: str, k: int = 1) -> BestDocument:
        """The `k` best trials, the one that finals rank first at the front, and the baseline."""
        return self._read(BestDocument, f"/v1/campaigns/{_segment(campaign_id)}/best", {"k": k})

    def figure(self, campaign_id: str, name: str) -> dict[str, Any]:
        """The numbers of a figure, such as `search`, the health of the search."""
        return self._read(AnyDocument, f"/v1/campaigns/{_segment(campaign_id)}/figures/{_segment(name)}").root

    def finals(self, campaign_id: str) -> FinalsReportDocument:
        """The finals: their verdict and their trainings. Raises ServiceRefusedError (404) before they begin."""
        return self._read(FinalsReportDocument, f"/v1/campaigns/{_segment(campaign_id)}/finals")

    def run_finals(self, campaign_id: str, **fields: Any) -> CampaignDocument:
        """Runs finals of a campaign that is over, or more of them; `fields` are those of its `finals` that change."""
        return self._change(CampaignDocument, f"/v1/campaigns/{_segment(campaign_id)}/finals", fields)

    def drawing(self, campaign_id: str, name: str, width_px: int) -> str:
        """A figure as an SVG document on white paper, laid out for this width."""
        path = f"/v1/campaigns/{_segment(campaign_id)}/figures/{_segment(name)}.svg"
        return self._file(path, {"width": width_px}, f"{name}.svg")[1].decode("utf-8")

    def export_formats(self) -> list[ExportFormatDocument]:
        """The formats of exports."""
        return list(self._all(ExportFormatDocument, "/v1/export-formats", {}))

    def exports(self, campaign_id: str, trial: int | None = None) -> ExportsDocument:
        """The weights and the exports of a trial: the first of `best`, or `trial`."""
        return self._read(ExportsDocument, f"/v1/campaigns/{_segment(campaign_id)}/exports", {"trial": trial})

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
        return self._file(path, {"trial": trial}, f"architecture.{format}")

    def events(self, campaign_id: str, after: int = 0) -> Iterator[EventDocument]:
        """Events after the sequence `after`, as they happen, until the campaign has finished.

        A lost stream is resumed after the last received event, so none is missed or repeated. Raises
        ServiceUnreachableError if reconnecting fails repeatedly.
        """
        return self._events(f"/v1/campaigns/{_segment(campaign_id)}/events", after)

    def create_training(self, specification: dict[str, Any]) -> TrainingDocument:
        """Queues a training."""
        return self._change(TrainingDocument, "/v1/trainings", specification)

    def training(self, training_id: str) -> TrainingDocument:
        """One training."""
        return self._read(TrainingDocument, f"/v1/trainings/{_segment(training_id)}")

    def trainings(self, *, state: str | None = None, campaign_id: str | None = None) -> Iterator[TrainingDocument]:
        """All trainings, newest first."""
        return self._all(TrainingDocument, "/v1/trainings", {"state": state, "campaign_id": campaign_id})

    def stop_training(self, training_id: str) -> TrainingDocument:
        """Requests a stop; a checkpoint is saved."""
        return self._change(TrainingDocument, f"/v1/trainings/{_segment(training_id)}/stop")

    def resume_training(self, training_id: str) -> TrainingDocument:
        """Continues a stopped or failed training from its checkpoint."""
        return self._change(TrainingDocument, f"/v1/trainings/{_segment(training_id)}/resume")

    def training_history(self, training_id: str) -> list[TrainingRowDocument]:
        """The logged steps of a training."""
        return list(self._all(TrainingRowDocument, f"/v1/trainings/{_segment(training_id)}/history", {}))

    def training_events(self, training_id: str, after: int = 0) -> Iterator[EventDocument]:
        """Events of a training, as `events` has those of a campaign."""
        return self._events(f"/v1/trainings/{_segment(training_id)}/events", after)

    def training_exports(self, training_id: str) -> ExportsDocument:
        """The exports of a training, and what its best model is."""
        return self._read(ExportsDocument, f"/v1/trainings/{_segment(training_id)}/exports")

    def request_training_export(self, training_id: str, format: str) -> ExportDocument:
        """Requests an export of the best model of a training, as `request_export` that of a trial."""
        return self._change(ExportDocument, f"/v1/trainings/{_segment(training_id)}/exports", {"format": format})

    def training_export(self, training_id: str, format: str) -> tuple[str, bytes]:
        """File name and content of an export of a training, as `export` has those of a trial."""
        path = f"/v1/trainings/{_segment(training_id)}/exports/{_segment(format)}"
        return self._file(path, {}, f"architecture.{format}")

    def training_model(self, training_id: str) -> tuple[str, bytes]:
        """File name and content of the best model of a training, a ZIP file."""
        return self._file(f"/v1/trainings/{_segment(training_id)}/model", {}, "model.zip")

    def create_webhook(
        self, url: str, events: Sequence[str] | None = None, campaign_id: str | None = None
    ) -> NewWebhookDocument:
        """Creates a webhook for these events, by default for all, of one campaign or of all."""
        body = {"url": url, "campaign_id": campaign_id, **({"events": list(events)} if events else {})}
        return self._change(NewWebhookDocument, "/v1/webhooks", body)

    def webhooks(self) -> list[WebhookDocument]:
        """All webhooks, oldest first."""
        return list(self._all(WebhookDocument, "/v1/webhooks", {}))

    def webhook(self, webhook_id: str) -> WebhookDocument:
        """One webhook."""
        return self._read(WebhookDocument, f"/v1/webhooks/{_segment(webhook_id)}")

    def delete_webhook(self, webhook_id: str) -> None:
        """Deletes a webhook and its messages."""
        self._remove(f"/v1/webhooks/{_segment(webhook_id)}")

    def test_webhook(self, webhook_id: str) -> DeliveryDocument:
        """Queues a test message."""
        return self._change(DeliveryDocument, f"/v1/webhooks/{_segment(webhook_id)}/test")

    def deliveries(self, webhook_id: str, *, state: str | None = None) -> Iterator[DeliveryDocument]:
        """The messages to a webhook, newest first."""
        return self._all(DeliveryDocument, f"/v1/webhooks/{_segment(webhook_id)}/deliveries", {"state": state})

    def delivery(self, webhook_id: str, delivery_id: str) -> DeliveryDocument:
        """A message to a webhook."""
        return self._read(DeliveryDocument, f"/v1/webhooks/{_segment(webhook_id)}/deliveries/{_segment(delivery_id)}")

    def resend_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryDocument:
        """Sends a message again now."""
        path = f"/v1/webhooks/{_segment(webhook_id)}/deliveries/{_segment(delivery_id)}/resend"
        return self._change(DeliveryDocument, path)


def _segment(value: str) -> str:
    """A value, percent-encoded as one segment of a path."""
    return quote(value, safe="") or "-"
