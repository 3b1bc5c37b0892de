"""The finals of a campaign with their verdict and all their trainings, which every client shows."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from nas_controller.entities import (
    ComparisonDocument,
    FinalRunDocument,
    FinalsDocument,
    FinalsReportDocument,
    VerdictDocument,
)
from nas_controller.search.finals_verdict import Comparison, compare, highest, sentence
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import CampaignRecord, NotFoundError, Store


def finals_report(store: Store, campaign_id: str) -> FinalsReportDocument:
    """The report. Raises NotFoundError for an unknown campaign, and for one without finals."""
    campaign = store.reads.get_campaign(campaign_id)
    if campaign.finals is None:
        hint = "its search has not ended" if campaign.spec.finals else "ask for them with POST"
        raise NotFoundError(f"campaign '{campaign_id}' has no finals yet: {hint}", field="campaign_id")
    finals, runs = campaign.finals, store.reads.final_runs(campaign_id)
    comparisons = comparisons_of(finals, runs)
    estimates = {each.trial: each.estimate for each in finals.finalists}
    costs = store.reads.cost_ratios(campaign_id, estimates)
    baseline = [run.reward for run in runs if run.trial == BASELINE_TRIAL and run.reward is not None]
    verdict = VerdictDocument(
        winner=finals.winner,
        sentence=sentence(comparisons, costs) if finals.state == "completed" else _progress(finals),
        baseline_reward=fmean(baseline) if baseline else None,
        baseline_seeds=len(baseline),
        comparisons=tuple(
            ComparisonDocument(
                estimate=estimates[each.trial],
                params_ratio=costs[each.trial].params,
                latency_ratio=costs[each.trial].latency,
                **each._asdict(),
            )
            for each in comparisons
        ),
    )
    return FinalsReportDocument(finals=finals, verdict=verdict, runs=runs)


def comparisons_of(finals: FinalsDocument, runs: Iterable[FinalRunDocument]) -> tuple[Comparison, ...]:
    """Each finalist against the baseline, by the rewards of the trainings so far."""
    rewards = {(run.trial, run.seed): run.reward for run in runs if run.reward is not None}
    return compare(rewards, [each.trial for each in finals.finalists], BASELINE_TRIAL)


def compared_trial(store: Store, campaign: CampaignRecord) -> int | None:
    """The trial that figures show against the baseline: the best; where finals rank the baseline itself first, the best
    of their candidates. None before the first reward.
    """
    best, finals = campaign.best_known_trial, campaign.finals
    if finals is None or finals.best != BASELINE_TRIAL:
        return best
    return highest(comparisons_of(finals, store.reads.final_runs(campaign.id))).trial


def best_sentence(store: Store, campaign_id: str) -> str | None:
    """What is known of a campaign's best trial: the verdict of its finals, or that it has not been compared; None
    before the first reward. Raises NotFoundError.
    """
    campaign = store.reads.get_campaign(campaign_id)
    if campaign.finals is not None:
        return finals_report(store, campaign_id).verdict.sentence
    if campaign.best_trial is None:
        return None
    if campaign.best_trial == BASELINE_TRIAL:
        return f"No trial has a higher reward than the uniform baseline, trial {BASELINE_TRIAL}."
    return (
        f"Trial {campaign.best_trial} has the highest reward, but is not confirmed: the highest of many rewards "
        "is on average too high, and finals measure it again."
    )


def _progress(finals: FinalsDocument) -> str:
    state = "are running" if finals.state == "running" else "were interrupted"
    return f"The finals {state}: {finals.runs_finished} of {finals.runs} trainings are finished."
