"""What a campaign's best trial gains over the baseline, both measured in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from nas_controller.campaigns.finals_report import comparisons_of
from nas_controller.entities import GainDocument
from nas_controller.search.finals_verdict import Comparison
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import CampaignRecord, Store


def gain_of(store: Store, campaign: CampaignRecord) -> GainDocument | None:
    """The gain that finals have measured of the trial that they rank first, or else that of the highest reward; None
    before the baseline has a reward. Raises NotFoundError.
    """
    if campaign.finals is not None and campaign.finals.best is not None:
        comparisons = comparisons_of(campaign.finals, store.reads.final_runs(campaign.id))
        if (found := _of_finals(comparisons, campaign.finals.best, campaign.confirmed_winner)) is not None:
            return found
    if campaign.best_trial is None or campaign.best_reward is None or campaign.baseline_reward is None:
        return None
    return GainDocument(
        trial=campaign.best_trial,
        reward=campaign.best_reward,
        baseline_reward=campaign.baseline_reward,
        seeds=None,
        value=campaign.best_reward - campaign.baseline_reward,
        low=None,
        high=None,
        is_confirmed=False,
    )


def _of_finals(comparisons: Sequence[Comparison], first: int, winner: int | None) -> GainDocument | None:
    for found in comparisons:
        reward, baseline, mean, low, high = found.reward, found.baseline_reward, found.mean, found.low, found.high
        if reward is None or baseline is None or mean is None:
            continue
        if first == BASELINE_TRIAL:  # against itself, over the seeds that it has in common with a finalist
            reward, mean, low, high = baseline, 0.0, None, None
        elif found.trial != first:
            continue
        return GainDocument(
            trial=first,
            reward=reward,
            baseline_reward=baseline,
            seeds=found.pairs,
            value=mean,
            low=low,
            high=high,
            is_confirmed=first == winner,
        )
    return None
