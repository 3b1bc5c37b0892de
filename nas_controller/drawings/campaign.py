"""The figures of a campaign by name: their numbers are read from the store and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nas_controller.campaigns.figures import figure
from nas_controller.drawings import bars, costs, curves, importance, policy, progress
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.store import CampaignRecord, Store

_Draw = Callable[[Any, Sheet, CampaignRecord], str]


def _madds_ap(numbers: Any, sheet: Sheet, campaign: CampaignRecord) -> str:
    space = campaign.spec.search_space.build()
    if space.mode == "exact":
        raise NothingToDrawError(
            f"every trial has the target's {space.budget_madds:,} multi-adds to 1 %, since the search space has the "
            "mode exact; Figure 5 of the paper is then AP over parameters, the figure params-ap"
        )
    return costs.cost_reward(numbers, sheet, space.budget_madds)


def _latency_ap(numbers: Any, sheet: Sheet, campaign: CampaignRecord) -> str:
    if campaign.spec.latency is None:
        raise NothingToDrawError("the campaign measures no latency")
    return costs.cost_reward(numbers, sheet)


def _best_of(campaign: CampaignRecord, trial: int | None) -> str:
    """What a legend calls the `compared_trial`."""
    return "best" if trial == campaign.best_known_trial else "best candidate"


DRAWINGS: dict[str, _Draw] = {
    "progress": lambda numbers, sheet, _: progress.progress(numbers, sheet),
    "widths": lambda numbers, sheet, campaign: bars.widths(numbers, sheet, _best_of(campaign, numbers.best_number)),
    "shares": lambda numbers, sheet, campaign: bars.shares(numbers, sheet, _best_of(campaign, numbers.best_number)),
    "madds-ap": _madds_ap,
    "params-ap": lambda numbers, sheet, _: costs.cost_reward(numbers, sheet),
    "latency-ap": _latency_ap,
    "policy": lambda numbers, sheet, _: policy.policy(numbers, sheet),
    "entropy": lambda numbers, sheet, _: policy.entropy(numbers, sheet),
    "importance": lambda numbers, sheet, _: importance.importance(numbers, sheet),
    "parallel": lambda numbers, sheet, _: importance.parallel(numbers, sheet),
    "curves": lambda numbers, sheet, campaign: curves.curves(numbers, campaign.best_known_trial, sheet),
}


def campaign_figure(store: Store, campaign_id: str, name: str, sheet: Sheet, at: int | None = None) -> str:
    """The figure `name` of DRAWINGS as an SVG document.

    Raises NothingToDrawError while it does not exist, and what `nas_controller.campaigns.figures.figure` raises.
    """
    campaign = store.reads.get_campaign(campaign_id)
    return DRAWINGS[name](figure(store, campaign_id, name, at=at), sheet, campaign)
