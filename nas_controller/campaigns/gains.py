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
        if found.reward is None or found.baseline_reward is None or found.mean is None:
            continue
        if first == BASELINE_TRIAL:  # with any finalist it has the same seeds
            found = found._replace(trial=first, reward=found.baseline_reward, mean=0.0, low=None, high=None)
        if found.trial == first:
            return GainDocument(
                trial=first,
                reward=found.reward,
                baseline_reward=found.baseline_reward,
                seeds=found.pairs,
                value=found.mean,
                low=found.low,
                high=found.high,
                is_confirmed=first == winner,
            )
    return None
