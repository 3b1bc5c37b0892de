"""Campaign commands that only read: list, show, trials, best, watch, estimate and verify."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.files import read_specification
from api.cli.campaign.options import AsJson, CampaignId, SpecificationFile, open_client
from api.cli.campaign.tables import print_campaign, print_campaigns, print_trials, retry_hint
from api.cli.output import duration, note, print_json, print_text
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from nas_controller.entities import EstimateDocument, FinalsEstimateDocument


def estimate(file: SpecificationFile, as_json: AsJson = False) -> None:
    """Estimate the duration of a campaign from earlier trials of the same proxy task; nothing is created."""
    with open_client() as client:
        estimated = client.estimate(read_specification(file))
    if as_json:
        print_json(estimated.model_dump(mode="json"))
        return
    _print_trials_estimate(estimated)
    if estimated.finals is not None:
        _print_finals_estimate(estimated.finals)


def _print_trials_estimate(estimated: EstimateDocument) -> None:
    size = f"{estimated.trials} trials, {estimated.parallelism} in parallel"
    if estimated.seconds_per_trial is None:
        print_text(f"{size}: no trial of this proxy task has been measured here yet")
        note("run one first: a campaign with `trials: 1` trains the baseline, which every campaign needs anyway")
        return
    basis = {
        "same-workers": f"the median of {estimated.measured_trials} trials of this proxy task with the same workers",
        "same-task": f"the median of {estimated.measured_trials} trials of this proxy task, but with other workers",
        "profile": "the duration in the synthetic profile",
    }
    print_text(f"{size}: about {duration(estimated.wall_seconds)}, {estimated.device_hours:.2f} device hours")
    print_text(f"a trial takes {duration(estimated.seconds_per_trial)}: {basis[estimated.basis]}")
    if estimated.bounded_by is not None:
        print_text(f"its stop condition {estimated.bounded_by} ends it before the last trial")


def _print_finals_estimate(finals: FinalsEstimateDocument) -> None:
    size = f"finals, on top: {finals.trainings} trainings"
    if finals.wall_seconds is None:
        print_text(f"{size}: none of their proxy task has been measured here yet")
        return
    print_text(f"{size}: about {duration(finals.wall_seconds)}, {finals.device_hours:.2f} device hours")


def list_campaigns(
    state: Annotated[str | None, typer.Option(help="Only campaigns in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List campaigns, newest first."""
    with open_client() as client:
        campaigns = list(islice(client.campaigns(state=state), limit))
    if as_json:
        print_json([campaign.model_dump(mode="json") for campaign in campaigns])
    elif campaigns:
        print_campaigns(campaigns)
    else:
        note("there is no campaign; create one with `effspine campaign create -f FILE`")


def show(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Show one campaign."""
    with open_client() as client:
        campaign = client.campaign(campaign_id)
    print_campaign(campaign, as_json)


def watch(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Follow a campaign until it has finished; the exit status is 1 if it failed."""
    from api.cli.campaign.progress import follow

    with open_client() as client:
        campaign = follow(client, client.campaign(campaign_id), quiet=as_json)
    if as_json:
        print_json(campaign.model_dump(mode="json"))
    elif campaign.error:
        note(retry_hint(campaign.id))
        raise EffspineError(f"campaign {campaign.id} failed: {campaign.error}")
    if campaign.state == "failed":
        raise typer.Exit(1)


def trials(
    campaign_id: CampaignId,
    state: Annotated[str | None, typer.Option(help="Only trials in this state.")] = None,
    order_by: Annotated[
        str, typer.Option(help="number, reward, madds, params or latency_ratio; prefix - for descending order.")
    ] = "number",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trials of a campaign."""
    with open_client() as client:
        rows = list(islice(client.trials(campaign_id, state=state, order_by=order_by), limit))
    if as_json:
        print_json([trial.model_dump(mode="json") for trial in rows])
        return
    print_trials(rows)


def best(
    campaign_id: CampaignId,
    k: Annotated[int, typer.Option("-k", help="Number of trials.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the best trials of a campaign, first the one that its finals rank first, and the uniform baseline."""
    with open_client() as client:
        found = client.best(campaign_id, k)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    rows = found.items
    if found.baseline is not None and all(row.number != found.baseline.number for row in rows):
        rows = [*rows, found.baseline]
    print_trials(rows)
    if found.sentence is not None:
        print_text(found.sentence)
        if not found.is_confirmed:
            note(f"`effspine campaign finals {campaign_id}` compares the best with the baseline, or with more seeds")


def verify(
    campaign_id: CampaignId,
    database_url: Annotated[str | None, typer.Option(help="Database; default: that of the data directory.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a campaign from its seed and compare its whole record with the replay and its events, bit for bit.

    It reads the database directly, not the service; EFFSPINE_DATA_DIR or EFFSPINE_DATABASE_URL locates it.
    """
    from contextlib import closing

    from api.cli.serve import settings_of
    from nas_controller.campaigns.replay import verify as replay
    from nas_controller.store import Store

    with closing(Store.open(settings_of(database_url=database_url).database_url)) as store:
        verification = replay(store, campaign_id)
    if as_json:
        print_json(verification.to_dict())
        return
    print_text(
        f"campaign {campaign_id}: exact; {verification.events} events, {verification.trials_begun} trials begun, "
        f"{verification.trials_finished} finished"
    )
    print_text(f"checked: {len(verification.checked)} columns (--json lists them)")
    print_text("not checked:")
    for part in verification.not_checked:
        print_text(f"  {part.what}: {part.why}")
