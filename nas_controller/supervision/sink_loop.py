"""The supervisor's part in sinks: it brings them up to the record, campaign by campaign."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from exporters.export import Export
from exporters.registry import EXPORTERS
from nas_controller.campaigns.finals_report import finals_report
from nas_controller.entities import EventDocument, FinalsReportDocument
from nas_controller.entities.sinks import SinkPosition
from nas_controller.exports.exported_trial import find_exported
from nas_controller.sinks.sink import Sink, SinkError
from nas_controller.sinks.syncing import sync
from nas_controller.store import CampaignRecord, LeaseLostError, NotFoundError, Store, StoreUnavailableError

RETRY_SECONDS = 30.0
"""How long a campaign is left alone after a sink could not be written."""
_EVENTS_PER_READ = 500

logger = logging.getLogger(__name__)


class StoredRecord:
    """The record of a campaign in the store, as a `RecordSource`."""

    def __init__(self, store: Store, campaign_id: str) -> None:
        self._store = store
        self._campaign_id = campaign_id
        self._campaign: CampaignRecord = store.reads.get_campaign(campaign_id)

    def campaign(self) -> CampaignRecord:
        """The campaign, as it was when this was created."""
        return self._campaign

    def specification(self) -> dict[str, Any]:
        """Its specification."""
        return self._campaign.spec.model_dump(mode="json")

    def events(self, after: int) -> Iterator[Sequence[EventDocument]]:
        """Its events in batches."""
        while batch := self._store.reads.events_after(self._campaign_id, after, _EVENTS_PER_READ):
            yield batch
            after = batch[-1].sequence

    def finals(self) -> FinalsReportDocument | None:
        """Its finals."""
        with suppress(NotFoundError):
            return finals_report(self._store, self._campaign_id)
        return None

    def architecture(self, trial: int) -> str:
        """The block specification of a trial."""
        exported = find_exported(self._store, self._campaign_id, trial)
        return EXPORTERS["spec"].content(Export(exported.specification())).decode()


class SinkLoop:
    """Writes the campaigns of `store` to one sink, for the supervisor `owner`, until `stopped`."""

    def __init__(self, store: Store, sink: Sink, owner: str, stopped: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._sink = sink
        self._owner = owner
        self._stopped = stopped
        self._not_before: dict[str, float] = {}
        self._failing: dict[str, str] = {}  # the cause by campaign, the latest last; replaced, never changed

    @property
    def error(self) -> str | None:
        """Why the sink could not be written at last, for a campaign that it still has not been written for."""
        return next(reversed(self._failing.values()), None)

    def step(self) -> bool:
        """Brings one campaign up to its newest event; False if no campaign has to be. One that cannot be written, for
        whatever error, is logged, once for each cause, and tried again after RETRY_SECONDS.

        Raises StoreUnavailableError.
        """
        now = time.monotonic()
        self._not_before = {name: due for name, due in self._not_before.items() if due > now}
        passed = frozenset(self._not_before)
        claim = self._store.runner.sinks.claim_sink(self._sink.name, self._sink.target, self._owner, passed)
        if claim is None:
            self._failing = {name: cause for name, cause in self._failing.items() if name in passed}
            return False

        def save(position: SinkPosition) -> None:
            self._store.runner.sinks.save_sink_cursor(claim, position)

        others = {name: cause for name, cause in self._failing.items() if name != claim.campaign_id}
        try:
            with suppress(LeaseLostError):  # this took longer than the claim: another supervisor goes on
                source = StoredRecord(self._store, claim.campaign_id)
                sync(source, self._sink, claim.position, save, self._stopped)
            self._failing = others
        except StoreUnavailableError:
            raise
        except Exception as error:
            is_expected = isinstance(error, SinkError)
            cause = str(error) if is_expected else f"{type(error).__name__}: {error}"
            self._not_before[claim.campaign_id] = now + RETRY_SECONDS
            if cause not in self._failing.values():
                logger.warning("campaign %s: %s; it is tried again", claim.campaign_id, cause, exc_info=not is_expected)
            self._failing = {**others, claim.campaign_id: cause}
        finally:
            with suppress(LeaseLostError):
                self._store.runner.sinks.release_sink(claim)
        return True
