"""`effspine campaign sync ID`: a campaign of a running service, as TensorBoard event files or as a run of MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.output import note, print_json, print_text
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument
    from nas_controller.entities import EventDocument, FinalsReportDocument

_EVENTS_PER_BATCH = 500


class ServedRecord:
    """The record of a campaign at a service, up to its newest event, as a `RecordSource`."""

    def __init__(self, client: Client, campaign_id: str) -> None:
        self._client = client
        self._campaign: CampaignDocument = client.campaign(campaign_id)

    def campaign(self) -> CampaignDocument:
        """The campaign, as it was when this was created."""
        return self._campaign

    def specification(self) -> dict[str, Any]:
        """Its specification."""
        return self._campaign.spec

    def events(self, after: int) -> Iterator[Sequence[EventDocument]]:
        """Its events in batches, up to the one that was newest when this was created."""
        last = self._campaign.last_event
        if after >= last:
            return
        stream = _until(self._client.events(self._campaign.id, after), last)
        while batch := list(islice(stream, _EVENTS_PER_BATCH)):
            yield batch

    def finals(self) -> FinalsReportDocument | None:
        """Its finals."""
        return None if self._campaign.finals is None else self._client.finals(self._campaign.id)

    def architecture(self, trial: int) -> str:
        """The block specification of a trial."""
        return self._client.export(self._campaign.id, "spec", trial)[1].decode()


def _until(events: Iterator[EventDocument], last: int) -> Iterator[EventDocument]:
    for event in events:
        yield event
        if event.sequence >= last:
            return


def sync(
    named: CampaignId,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of TensorBoard event files; read it with --logdir.")
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Tracking server of MLflow, or a store of it: sqlite:///mlflow.db."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy a campaign to TensorBoard or MLflow. Repeated, it adds only what is new."""
    from nas_controller.entities.sinks import SinkPosition
    from nas_controller.sinks.mlflow import MlflowSink
    from nas_controller.sinks.sink import Sink
    from nas_controller.sinks.syncing import sync as bring_up_to_date
    from nas_controller.sinks.tensorboard import TensorBoardSink

    sinks: dict[str, Sink] = {}
    if tensorboard is not None:
        sinks[str(tensorboard)] = TensorBoardSink(tensorboard)
    if mlflow is not None:
        sinks[mlflow] = MlflowSink(mlflow)
    if not sinks:
        raise EffspineError("give --tensorboard DIR, --mlflow URI, or both")
    results = []
    with open_campaign(named) as (client, campaign_id):
        source = ServedRecord(client, campaign_id)
        for place, sink in sinks.items():
            position, added = bring_up_to_date(source, sink, SinkPosition())
            results.append({"sink": sink.name, "place": place, "entries": position.written, "added": added})
    if as_json:
        print_json({"campaign_id": campaign_id, "sinks": results})
        return
    for result in results:
        print_text(
            f"{result['sink']}: {result['entries']:,} entries in {result['place']}, {result['added']:,} of them new"
        )
    if tensorboard is not None:
        note(f"show them with `tensorboard --logdir {tensorboard}`")
