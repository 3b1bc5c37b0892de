"""Begins the finals of a campaign in the transaction that ends its search, or that asks for them later.

Finals only grow: finalists and seeds of earlier ones stay, with all their results, and others are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from nas_controller.entities import FinalistDocument, FinalsDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.estimated_values import Candidate, best_estimated
from nas_controller.search.finals_rules import LATEST
from nas_controller.search.objective_spec import ObjectiveSpec
from nas_controller.states import BASELINE_TRIAL, StopReason
from nas_controller.store import models
from nas_controller.store.campaign_endings import end_campaign, stop_running
from nas_controller.store.errors import ConflictError
from nas_controller.store.events import add_event
from nas_controller.store.mappers import campaign_record


def end_search(session: Session, campaign: models.Campaign, now: datetime, because: StopReason | None = None) -> None:
    """Ends the search of a locked campaign, `because` a stop condition is met: its finals begin if it is to have some
    that it has not had, and otherwise it is completed.
    """
    if not begin_finals(session, campaign, now, "completed", because):
        end_campaign(session, campaign, now, "complete", because=because)


def begin_finals(
    session: Session,
    campaign: models.Campaign,
    now: datetime,
    follows: Literal["completed", "stopped"],
    because: StopReason | None,
) -> bool:
    """Begins or continues the finals of a locked campaign, whose trials end; False where there is nothing to do."""
    spec = campaign_record(campaign).spec
    if spec.finals is None or campaign.baseline_reward is None:
        return False
    finals = _planned(session, campaign, spec, now, follows, because)
    is_complete = campaign.finals is not None and campaign.finals["state"] == "completed"
    if is_complete and finals.runs_finished == finals.runs:
        return False
    stop_running(session, campaign, now)
    campaign.finals = finals.to_dict()
    campaign.stopped_because = because
    names = ("finalists", "noise_share", "task", "seeds", "follows", "because")
    facts = {"rule": LATEST, "top": spec.finals.top, **{name: campaign.finals[name] for name in names}}
    add_event(session, campaign, now, "finals.started", facts)
    return True


def require_same_settings(campaign: models.Campaign, spec: CampaignSpec) -> None:
    """Raises ConflictError, with the field, where the finals of a specification cannot continue those that a campaign
    has had.
    """
    if campaign.finals is None or spec.finals is None:
        return
    settings, known = spec.finals.settings(spec.proxy_task.resolve()), campaign.finals["task"]
    name = next((name for name in {**settings, **known} if settings.get(name) != known.get(name)), None)
    if name is not None:
        had = f"{name} {known[name]!r}" if name in known else f"no {name}"
        raise ConflictError(
            f"campaign '{campaign.id}': its finals have been trained with {had}, and other rewards could not be "
            "compared with theirs; leave it as it was",
            field=f"finals.{name}",
        )
    first = campaign.finals["seeds"][0]
    if spec.finals.seed_numbers(spec.seed)[0] != first:
        raise ConflictError(
            f"campaign '{campaign.id}': the first seed of its finals is {first} and cannot change",
            field="finals.first_seed",
        )


def _planned(
    session: Session,
    campaign: models.Campaign,
    spec: CampaignSpec,
    now: datetime,
    follows: Literal["completed", "stopped"],
    because: StopReason | None,
) -> FinalsDocument:
    assert spec.finals is not None
    before: dict[str, Any] = campaign.finals or {"finalists": [], "seeds": []}
    trials, baseline_widths = _candidates(session, campaign.id, spec.objective)
    chosen = best_estimated(trials, baseline_widths, spec.finals.top, spec.objective.value)
    known = {each["trial"] for each in before["finalists"]}
    finalists = [FinalistDocument.model_validate(each) for each in before["finalists"]]
    finalists += [
        FinalistDocument(trial=trial, estimate=estimate)
        for trial, estimate in chosen.values.items()
        if trial not in known
    ]
    seeds = list(dict.fromkeys([*before["seeds"], *spec.finals.seed_numbers(spec.seed)]))
    return FinalsDocument(
        state="running",
        finalists=tuple(finalists),
        noise_share=chosen.noise_share,
        task=spec.finals.settings(spec.proxy_task.resolve()),
        seeds=tuple(seeds),
        runs=len(seeds) * (len(finalists) + 1) if finalists else 0,
        runs_finished=_finished(session, campaign.id),
        fresh_images=before.get("fresh_images"),
        data=before.get("data"),
        winner=before.get("winner"),
        best=before.get("best"),
        follows=follows,
        because=because,
        started_at=now,
        finished_at=None,
    )


def _candidates(session: Session, campaign_id: str, objective: ObjectiveSpec) -> tuple[list[Candidate], Sequence[int]]:
    """The architectures that were trained to their end, without the baseline, and the baseline's widths."""
    table = models.Trial
    query = (
        select(table.number, table.widths, table.reward, table.params, table.latency_ratio)
        .where(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reused_from.is_(None),
            table.stopped_early_step.is_(None),
        )
        .order_by(table.number)
    )
    rows = [row for row in session.execute(query) if row.reward is not None]
    (baseline,) = (row for row in rows if row.number == BASELINE_TRIAL)
    return [
        Candidate(
            row.number,
            row.widths,
            row.reward,
            row.params,
            objective.cost_ratio(row.params / baseline.params, row.latency_ratio),
        )
        for row in rows
        if row.number != BASELINE_TRIAL
    ], baseline.widths


def _finished(session: Session, campaign_id: str) -> int:
    table = models.Final
    query = select(func.count()).where(table.campaign_id == campaign_id, table.finished_at.is_not(None))
    return session.scalar(query) or 0
