"""What the terminal says of a campaign's best: its AP, its gain over the baseline, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from api.cli.output import signed_difference, three_digits
from nas_controller.states import BASELINE_TRIAL

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument, GainDocument


SMALLEST_SHOWN = 0.001
"""The smallest margin of error that three digits show."""


class Found(NamedTuple):
    """What a search has found and still finds: the gain of its best, and the figure `search`."""

    gain: GainDocument | None
    search: Mapping[str, Any]


def read_found(client: Client, campaign: CampaignDocument) -> Found | None:
    """What the service knows of the best of a campaign; None before any trial."""
    if not campaign.trials_finished:
        return None
    return Found(client.best(campaign.id).gain, client.figure(campaign.id, "search"))


def best_text(campaign: CampaignDocument, found: Found | None) -> str:
    """The best and how sure it is: `best AP 0.329 (trial 7), +0.004 over the baseline's 0.325, 95 % margin of error
    ±0.009, not confirmed`.
    """
    gain = None if found is None else found.gain
    if found is None or gain is None:
        return f"best AP {three_digits(campaign.best_reward)}"
    which = "the baseline" if gain.trial == BASELINE_TRIAL else f"trial {gain.trial}"
    ap, over = three_digits(gain.reward), signed_difference(gain.reward, gain.baseline_reward)
    over = f"{over} over the baseline's {three_digits(gain.baseline_reward)}"
    if gain.seeds is None:
        noise = (
            ""
            if gain.trial == BASELINE_TRIAL
            else f", {over}, 95 % margin of error {margin_text(found.search)}, not confirmed"
        )
        return f"best AP {ap} ({which}){noise}"
    mean = f"{which}, AP {ap} as the mean of {gain.seeds} seeds"
    if gain.trial == BASELINE_TRIAL:
        return f"first in the finals: {mean}"
    interval = "" if gain.low is None else f", 95 % {gain.low:+z.3f} to {gain.high:+z.3f}"
    if gain.is_confirmed:
        return f"confirmed winner: {mean}, {over}{interval}"
    return f"first in the finals: {mean}, {over}{interval}, not confirmed"


def margin_text(search: Mapping[str, Any]) -> str:
    """The 95 % margin of error of the difference of two single rewards; where it is not known, what it takes."""
    if search["gain_error"] is None:
        return f"not known (noise not resolved; it takes {search['noise_needs']} architectures or more)"
    return (
        f"less than ±{SMALLEST_SHOWN:.3f}"
        if search["gain_error"] < SMALLEST_SHOWN / 2
        else f"±{search['gain_error']:.3f}"
    )


def gain_cell(gain: GainDocument | None, gain_error: float | None) -> str:
    """A gain with half the width of its 95 % interval, a question mark where that is not known: `+0.004 ±0.009`."""
    if gain is None or gain.trial == BASELINE_TRIAL:
        return "-"
    error = gain_error if gain.seeds is None else None if gain.low is None else gain.value - gain.low
    known = "?" if error is None else f"<{SMALLEST_SHOWN:.3f}" if error < SMALLEST_SHOWN / 2 else f"{error:.3f}"
    return f"{signed_difference(gain.reward, gain.baseline_reward)} ±{known}"


def verdict_cell(gain: GainDocument | None) -> str:
    """Whether finals have confirmed a gain; a dash where there is none."""
    if gain is None or gain.trial == BASELINE_TRIAL:
        return "-"
    return "confirmed" if gain.is_confirmed else "unconfirmed"
