"""The limits of failures that end a campaign: `max_failures` and `max_consecutive_failures` in its specification.

They are checked in the transaction that gives a trial up. Repeats of an architecture are not counted, since nothing was
trained for them; a retry of the campaign resets both counts.
"""

from __future__ import annotations

from nas_controller.states import TrialEvent
from nas_controller.store import models
from nas_controller.store.mappers import campaign_record

TOO_MANY_FAILURES = "too-many-failures"


def count_outcome(campaign: models.Campaign, trial: models.Trial, event: TrialEvent) -> None:
    """Adds the outcome of a trial of a locked campaign to its counts of failures."""
    if trial.reused_from is not None:
        return
    if event == "fail":
        campaign.failures += 1
        campaign.consecutive_failures += 1
    else:
        campaign.consecutive_failures = 0


def failures_error(campaign: models.Campaign, trial: models.Trial) -> str | None:
    """Why a locked campaign fails with the trial that was just given up; None if it goes on."""
    if trial.reused_from is not None:
        return None
    spec = campaign_record(campaign).spec
    if campaign.consecutive_failures >= spec.max_consecutive_failures:
        reached = f"{campaign.consecutive_failures} trials in a row have failed, the limit `max_consecutive_failures`"
    elif campaign.failures >= spec.failure_limit:
        limit = "a tenth of `trials`, at least 5" if spec.max_failures is None else "`max_failures`"
        reached = f"{campaign.failures} trials have failed, the limit ({limit})"
    else:
        return None
    return f"{reached}; the last error, of trial {trial.number}: {trial.error}"
