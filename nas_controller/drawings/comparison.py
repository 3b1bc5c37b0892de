"""Figures that compare two to five campaigns or trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from nas_controller.campaigns.figures import figure
from nas_controller.campaigns.resource_shares import block_shares
from nas_controller.drawings import bars, curves, progress
from nas_controller.drawings.bars import Series
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.drawings.style import SERIES
from nas_controller.store import CampaignRecord, Store
from search_space.errors import InvalidValueError

Comparison = Literal["progress", "shares", "widths", "curves"]
MIN_COMPARED, MAX_COMPARED = 2, SERIES


class Compared(NamedTuple):
    """What is compared: a campaign, by its best trial, or one of its trials."""

    campaign_id: str
    trial: int | None = None


def comparison_figure(store: Store, name: Comparison, compared: Sequence[Compared], sheet: Sheet) -> str:
    """The best AP so far of campaigns (`progress`), the learning curves of trials (`curves`), or the widths or shares
    of either, as an SVG document.

    Raises InvalidValueError for fewer than two or more than five, for one that is named twice, for the progress of
    trials and for the curves of campaigns; NotFoundError for one that does not exist; NothingToDrawError for a campaign
    without a best trial, and where no trial has a curve.
    """
    if not MIN_COMPARED <= len(compared) <= MAX_COMPARED:
        message = f"{len(compared)} are named; a comparison is of {MIN_COMPARED} to {MAX_COMPARED}"
        raise InvalidValueError(message, field="campaigns", value=len(compared))
    twice = [each for each, count in Counter(compared).items() if count > 1]
    if twice:
        raise InvalidValueError(f"{_written(twice[0])} is named twice", field="campaigns", value=_written(twice[0]))
    campaigns = [store.reads.get_campaign(each.campaign_id) for each in compared]
    if name == "progress":
        if any(each.trial is not None for each in compared):
            raise InvalidValueError(
                "progress compares campaigns; trials have shares and widths", field="figure", value=name
            )
        names = _distinct([campaign.name for campaign in campaigns], compared)
        figures = [figure(store, each.campaign_id, "progress") for each in compared]
        return progress.best_so_far(list(zip(names, figures, strict=True)), sheet)
    if name == "curves":
        return _curves(store, campaigns, compared, sheet)
    names, values = [], []
    for campaign, each in zip(campaigns, compared, strict=True):
        number = campaign.best_known_trial if each.trial is None else each.trial
        if number is None:
            raise NothingToDrawError(f"campaign '{campaign.name}' has no best trial yet")
        names.append(f"{campaign.name}, trial {number}")
        values.append(_values(store, campaign, number, name))
    series = [
        Series(each, f"series-mark-{place}", of)
        for place, (each, of) in enumerate(zip(_distinct(names, compared), values, strict=True), start=1)
    ]
    return bars.widths_of(series, sheet) if name == "widths" else bars.shares_of(series, sheet)


def _curves(store: Store, campaigns: Sequence[CampaignRecord], compared: Sequence[Compared], sheet: Sheet) -> str:
    names, found = [], []
    for campaign, each in zip(campaigns, compared, strict=True):
        if each.trial is None:
            raise InvalidValueError("curves compares trials; campaigns have progress", field="figure", value="curves")
        names.append(f"{campaign.name}, trial {each.trial}")
        found.append(store.reads.get_trial(each.campaign_id, each.trial).curve)
    return curves.compared_curves(list(zip(_distinct(names, compared), found, strict=True)), sheet)


def subject_of(store: Store, compared: Sequence[Compared]) -> str:
    """What a comparison is of, for its heading. Raises NotFoundError."""
    names = []
    for each in compared:
        name = store.reads.get_campaign(each.campaign_id).name
        names.append(name if each.trial is None else f"{name}, trial {each.trial}")
    return " against ".join(names)


def _values(store: Store, campaign: CampaignRecord, number: int, name: str) -> Sequence[float]:
    widths = store.reads.get_trial_record(campaign.id, number).widths
    if name == "widths":
        return widths
    return block_shares(campaign.spec.search_space.build().architecture(widths, "trial"))


def _distinct(names: Sequence[str], compared: Sequence[Compared]) -> list[str]:
    """The names, with the ids of their campaigns where names are equal."""
    count = Counter(names)
    return [
        f"{name} ({each.campaign_id})" if count[name] > 1 else name for name, each in zip(names, compared, strict=True)
    ]


def _written(compared: Compared) -> str:
    return compared.campaign_id if compared.trial is None else f"{compared.campaign_id}:{compared.trial}"
