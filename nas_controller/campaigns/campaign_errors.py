"""The errors of whole campaigns: failures of the baseline, changed data, and reasons to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_controller.search.data_difference import RESTORE_DATA, data_difference
from nas_controller.search.outcomes import TIMED_OUT, WORKER_KILLED, WORKER_SILENT, Failed, Rewarded, failed_as
from search_space.errors import DATA_CHANGED, EffspineError

_MACHINE_TOO_SMALL_KINDS = ("out-of-memory", WORKER_KILLED, WORKER_SILENT, TIMED_OUT)


class CampaignWaitsError(EffspineError):
    """The campaign has to wait: its data cannot be reached or a disk is full. The runner ends and a later one goes on.

    `kind` is the kind of the trial error behind it.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[CampaignWaitsError], tuple[str, str]]:
        return type(self), (str(self), self.kind)


def baseline_error(failure: Failed) -> str:
    """The error of a campaign whose baseline has failed.

    All architectures have the baseline's budget, so a machine that is too small for it is too small for the others.
    """
    where = " on this machine" if failure.kind in _MACHINE_TOO_SMALL_KINDS else ""
    return f"the uniform baseline cannot be trained{where}: {failure.error}"


def refuse_other_data(
    outcome: Rewarded | Failed,
    expected: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    reader: str,
    since: str = "the first trial",
) -> Rewarded | Failed:
    """The outcome, or a failure instead if its data, `found`, are others than expected; the error says what differs.

    `reader` is what has read them, such as `trial 3`. Identities that are not known are not compared.
    """
    if expected is None or found is None or expected["sha256"] == found["sha256"]:
        return outcome
    error = (
        f"the data set has changed since {since}; {reader} has read {data_difference(expected, found)}. {RESTORE_DATA}"
    )
    return failed_as(outcome, "stop", error, DATA_CHANGED)
