"""Reads a campaign's trials and events."""

from __future__ import annotations

from typing import Any

from nas_controller.store import Store, TrialRecord


def trials_of(store: Store, campaign_id: str, **query: Any) -> list[TrialRecord]:
    """The records of the trials on one page; `query` has the arguments of `Reads.trial_documents`."""
    page = store.reads.trial_documents(campaign_id, **query)
    return [store.reads.get_trial_record(campaign_id, item["number"]) for item in page.items]


def kinds(store: Store, campaign_id: str) -> list[str]:
    """The kinds of a campaign's first 1,000 events."""
    return [event.kind for event in store.reads.events_after(campaign_id, 0, 1000)]
