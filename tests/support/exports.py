"""Requests for exports, and their states."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from nas_controller.store import ExportRecord, ExportRequest, Store
from tests.support.waiting import wait_for

REQUEST = ExportRequest(
    cache_key="1" * 64,
    format="detector",
    weights="initial",
    model=None,
    about="Initial weights.",
    file_name="digits-trial-0-detector-initial.zip",
    media_type="application/zip",
)


def export_request(campaign_id: str, key: str = "1", trial: int = 0) -> ExportRequest:
    """A request for an export of a trial."""
    return replace(REQUEST, cache_key=key * 64, campaign_id=campaign_id, trial=trial)


@contextmanager
def making(store: Store, make: Callable[[ExportRecord], None]) -> Iterator[None]:
    """Calls `make` with the next export that is queued, as a supervisor starts its process."""

    def work() -> None:
        make(wait_for(lambda: store.runner.export_queue.claim("s-1"), "a request"))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()
