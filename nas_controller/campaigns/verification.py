"""What `effspine campaign verify` says of a campaign whose record is exact: what was compared, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NotChecked:
    """A part of the record, such as `trials.progress_step, trials.progress_ap`, that nothing confirms, and why."""

    what: str
    why: str


NEVER_CHECKED = (
    NotChecked("rewards and latencies as measurements", "only another training could repeat one"),
    NotChecked("trials.worker_started_at, finals.worker_started_at", "that a worker begins an attempt is no event"),
    NotChecked("measurements", "the points of learning curves are no events; early stops are decided again by them"),
    NotChecked(
        "campaigns.device_seconds, campaigns.progress_reports, campaigns.first_reports, campaigns.first_report_seconds",
        "they are sums over times that no event has",
    ),
    NotChecked("campaigns.lease_owner, campaigns.lease_expires_at", "leases are renewed and given up without an event"),
    NotChecked(
        "trials.progress_step, trials.progress_total, trials.progress_ap", "progress within a trial is no event"
    ),
    NotChecked(
        "step, loss, seconds and worker_started_at in campaigns.shared_training", "progress of a training is no event"
    ),
    NotChecked("campaigns.notes, campaigns.tags, campaigns.archived", "annotations are no part of the search"),
    NotChecked("campaigns.finals_gain", "it is a mean of rewards that are checked, by which lists are ordered"),
    NotChecked("campaigns.spec_version", "it only says how the specification is read"),
    NotChecked("finals.progress_step, finals.progress_total", "progress within a training is no event"),
    NotChecked("attempts.log_tail, finals.log_tail", "events leave logs out"),
    NotChecked("log_tail in campaigns.shared_training", "events leave logs out"),
    NotChecked(
        "events.at of campaign.updated, campaign.claimed after the first, campaign.pausing, campaign.stopping, "
        "campaign.waiting, campaign.identified, finals.identified and final.abandoned, and of campaign.resumed where "
        "nothing was paused",
        "no other time follows from them",
    ),
    NotChecked("that a plateau has its search.plateau", "an earlier version wrote none"),
    NotChecked(
        "events.data of campaign.claimed but its epoch", "nothing else depends on the runner's name and versions"
    ),
    NotChecked(
        "earlier ones of campaign.created, campaign.updated, campaign.pausing, campaign.waiting, campaign.failed, "
        "trial.stopped, attempt.abandoned, shared-training.started, shared-training.failed, "
        "shared-training.abandoned, finals.started, finals.completed and final.failed",
        "a later event has replaced what they say: a change, a retry, a result that came late",
    ),
)
"""Of every campaign."""


@dataclass(frozen=True)
class Verification:
    """A campaign whose record is exact: counts, the digest of its controller, and the columns that were compared."""

    campaign_id: str
    events: int
    trials_begun: int
    trials_finished: int
    controller_sha256: str | None
    checked: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]

    def to_dict(self) -> dict[str, Any]:
        """The verification as plain JSON values."""
        return {
            "campaign_id": self.campaign_id,
            "exact": True,
            "events": self.events,
            "trials_begun": self.trials_begun,
            "trials_finished": self.trials_finished,
            "controller_sha256": self.controller_sha256,
            "checked": list(self.checked),
            "not_checked": [{"what": each.what, "why": each.why} for each in self.not_checked],
        }


def checked_columns(columns: Mapping[str, tuple[str, ...]], not_checked: tuple[NotChecked, ...]) -> tuple[str, ...]:
    """The columns of these tables, as `trials.reward`, without those that are not checked at all."""
    left_out = {name for each in not_checked for name in each.what.split(", ")}
    names = (f"{table}.{column}" for table, members in columns.items() for column in members)
    return tuple(name for name in names if name not in left_out)
