"""Where a sink reads the record of a campaign from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from nas_controller.entities import CampaignFields, EventDocument, FinalsReportDocument


class RecordSource(Protocol):
    """The record of one campaign."""

    def campaign(self) -> CampaignFields:
        """The campaign."""

    def specification(self) -> dict[str, Any]:
        """Its specification, with every default."""

    def events(self, after: int) -> Iterator[Sequence[EventDocument]]:
        """Its events after this sequence, in batches, up to the newest one."""

    def finals(self) -> FinalsReportDocument | None:
        """Its finals with their verdict; None where there are none."""

    def architecture(self, trial: int) -> str:
        """The block specification of a trial, as JSON."""
