"""The part of the client for trainings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.client_connection import Connection, segment
from api.documents import EventDocument, ExportDocument, ExportsDocument, TrainingDocument, TrainingRowDocument


class TrainingsClient(Connection):
    """Requests for trainings of single networks."""

    def create_training(self, specification: dict[str, Any]) -> TrainingDocument:
        """Queues a training."""
        return self._change(TrainingDocument, "/v1/trainings", specification)

    def training(self, training_id: str) -> TrainingDocument:
        """One training."""
        return self._read(TrainingDocument, f"/v1/trainings/{segment(training_id)}")

    def trainings(self, *, state: str | None = None, campaign_id: str | None = None) -> Iterator[TrainingDocument]:
        """All trainings, newest first."""
        return self._all(TrainingDocument, "/v1/trainings", {"state": state, "campaign_id": campaign_id})

    def stop_training(self, training_id: str) -> TrainingDocument:
        """Requests a stop; a checkpoint is saved."""
        return self._change(TrainingDocument, f"/v1/trainings/{segment(training_id)}/stop")

    def resume_training(self, training_id: str) -> TrainingDocument:
        """Continues a stopped or failed training from its checkpoint."""
        return self._change(TrainingDocument, f"/v1/trainings/{segment(training_id)}/resume")

    def training_history(self, training_id: str) -> list[TrainingRowDocument]:
        """The logged steps of a training."""
        return list(self._all(TrainingRowDocument, f"/v1/trainings/{segment(training_id)}/history", {}))

    def training_events(self, training_id: str, after: int = 0) -> Iterator[EventDocument]:
        """Events of a training, as `events` has those of a campaign."""
        return self._events(f"/v1/trainings/{segment(training_id)}/events", after)

    def training_exports(self, training_id: str) -> ExportsDocument:
        """The exports of a training, and what its best model is."""
        return self._read(ExportsDocument, f"/v1/trainings/{segment(training_id)}/exports")

    def request_training_export(self, training_id: str, format: str) -> ExportDocument:
        """Requests an export of the best model of a training, as `request_export` that of a trial."""
        return self._change(ExportDocument, f"/v1/trainings/{segment(training_id)}/exports", {"format": format})

    def training_export(self, training_id: str, format: str) -> tuple[str, bytes]:
        """File name and content of an export of a training, as `export` has those of a trial."""
        path = f"/v1/trainings/{segment(training_id)}/exports/{segment(format)}"
        return self._file(path, {}, f"architecture.{format}")

    def download_training_model(self, training_id: str, directory: Path) -> Path:
        """Downloads the best model of a training, a ZIP file, as `download_export` does an export."""
        return self._download(f"/v1/trainings/{segment(training_id)}/model", directory, "model.zip")
