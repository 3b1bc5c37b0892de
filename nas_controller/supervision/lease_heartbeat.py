"""Renews a runner's lease in a thread, and reads requests to stop, pause or change the campaign."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from types import TracebackType

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import FINISHED_CAMPAIGN_STATES, PauseMode
from nas_controller.store import Lease, LeaseLostError, Store, StoreUnavailableError

logger = logging.getLogger(__name__)

_RENEWALS_PER_LEASE = 8


class Heartbeat:
    """While entered, renews the lease several times within its duration.

    `stop_requested`: the campaign is `stopping`. `pause`: the mode in which it is `pausing`, or None. `out_of_time`: it
    has run for its `wall_seconds`. `spec`: its newest specification, None before the first renewal. `lost`: another
    runner has the lease, it expired while the database was unavailable, or it cannot be renewed; the runner must write
    nothing more.
    """

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.stop_requested = False
        self.pause: PauseMode | None = None
        self.out_of_time = False
        self.spec: CampaignSpec | None = None
        self.lost = False

    @property
    def is_interrupted(self) -> bool:
        """Whether the runner should stop at once, whatever it is training."""
        return self.stop_requested or self.lost or self.pause == "abort"

    @property
    def must_end(self) -> bool:
        """Whether the search should stop at once."""
        return self.is_interrupted or self.out_of_time

    @property
    def draining(self) -> bool:
        """Whether the runner should begin no further trials."""
        return self.pause == "drain"

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()

    def release(self) -> None:
        """Releases the lease at once, for a runner that writes nothing more but may take long to exit."""
        self._finished.set()
        self._thread.join()
        with suppress(StoreUnavailableError):  # then the lease expires
            self._store.runner.release(self._lease.campaign_id, self._lease.owner)

    def _run(self) -> None:
        interval = self._lease.seconds / _RENEWALS_PER_LEASE
        renewed = time.monotonic()
        while not self._finished.wait(interval):
            try:
                record = self._store.runner.renew(self._lease)
            except LeaseLostError as error:
                if not self._has_ended():
                    logger.warning("%s", error)
                    self.lost = True
                return
            except StoreUnavailableError as error:
                logger.warning("%s", error)
                self.lost = time.monotonic() - renewed > self._lease.seconds
                continue
            except Exception:
                self.lost = True  # nobody would renew it
                raise
            renewed = time.monotonic()
            self.stop_requested = record.state == "stopping"
            self.pause = record.pause_mode if record.state == "pausing" else None
            self.spec = record.spec
            self.out_of_time = self._store.runner.is_out_of_time(record)

    def _has_ended(self) -> bool:
        """Whether the campaign has just ended: then its lease was released, not lost."""
        try:
            state = self._store.reads.get_campaign(self._lease.campaign_id).state
        except StoreUnavailableError:
            return False
        return state in FINISHED_CAMPAIGN_STATES
