"""Campaign commands that only read: list, show, trials, best, watch and verify."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.gains import best_text, read_found
from api.cli.campaign.lines import TAIL
from api.cli.campaign.options import AsJson, CampaignId, open_campaign, open_client
from api.cli.campaign.status import phases_line, worker_counts
from api.cli.campaign.tables import print_campaign, print_campaigns, print_trials, retry_hint
from api.cli.output import note, print_json, print_text
from nas_controller.states import CAMPAIGN_STATES, TRIAL_STATES
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client
    from nas_controller.store import CampaignRecord, Store

MAX_TAIL = 100_000


def list_campaigns(
    state: Annotated[
        str | None, typer.Option(help=f"Only campaigns in this state: {', '.join(CAMPAIGN_STATES)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 100,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List campaigns, newest first."""
    with open_client() as client:
        wanted = client.campaigns(state=state, archived="any" if archived else "false", at_most=limit, with_search=True)
        campaigns = list(wanted)
        empty = "" if campaigns or as_json else _empty_note(client, state, archived)
    if as_json:
        print_json([campaign.model_dump(mode="json") for campaign in campaigns])
    elif campaigns:
        print_campaigns(campaigns)
    else:
        note(empty)


def _empty_note(client: Client, state: str | None, archived: bool) -> str:
    """Why a list is empty: all that match its filter are archived, none matches it, or the service has no campaign."""
    if not archived and any(client.campaigns(state=state, archived="true", at_most=1)):
        which = "all campaigns" if state is None else f"all campaigns that match --state {state}"
        return f"{which} are archived; --archived lists them"
    if state is not None and any(client.campaigns(archived="any", at_most=1)):
        return f"no campaign matches --state {state}"
    return f"there is no campaign at {client.url}; create one with `effspine campaign create -f FILE`"


def show(named: CampaignId, as_json: AsJson = False) -> None:
    """Show one campaign."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.campaign(campaign_id)
        if as_json:
            print_json(campaign.model_dump(mode="json"))
            return
        running = client.trials(campaign_id, state="running", at_most=campaign.spec["parallelism"])
        found = read_found(client, campaign)
        facts = {
            "workers": worker_counts(list(running)) or None,
            "phases": (phases_line(campaign) or "").removeprefix("phases: ") or None,
            "search": None if found is None else found.search["sentence"],
            "best": None if campaign.best_reward is None else best_text(campaign, found).removeprefix("best "),
        }
    print_campaign(campaign, as_json, facts)


def watch(
    named: CampaignId,
    tail: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_TAIL,
            metavar="N",
            help="Show the last N finished trials first.",
            show_default=f"{TAIL}; on a terminal, as many as fit",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a campaign until it has finished; the exit status is 1 if it failed."""
    from api.cli.campaign.progress import follow

    with open_campaign(named) as (client, campaign_id):
        campaign = follow(client, client.campaign(campaign_id), quiet=as_json, tail=tail)
    if as_json:
        print_json(campaign.model_dump(mode="json"))
    elif campaign.error:
        note(retry_hint(campaign.id))
        raise EffspineError(f"campaign {campaign.id} failed: {campaign.error}")
    if campaign.state == "failed":
        raise typer.Exit(1)


def trials(
    named: CampaignId,
    state: Annotated[
        str | None,
        typer.Option(help=f"Only trials in this state: {', '.join(TRIAL_STATES)}; running: queued ones, too."),
    ] = None,
    order_by: Annotated[
        str, typer.Option(help="number, reward, madds, params or latency_ratio; prefix - for descending order.")
    ] = "number",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trials of a campaign."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.campaign(campaign_id)
        rows = list(client.trials(campaign_id, state=state, order_by=order_by, at_most=limit))
    if as_json:
        print_json([trial.model_dump(mode="json") for trial in rows])
        return
    print_trials(campaign, rows)


def best(
    named: CampaignId,
    k: Annotated[int, typer.Option("-k", help="Number of trials.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the best trials of a campaign, first the one that its finals rank first, and the uniform baseline."""
    with open_campaign(named) as (client, campaign_id):
        campaign, found = client.campaign(campaign_id), client.best(campaign_id, k)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    rows = found.items
    if found.baseline is not None and all(row.number != found.baseline.number for row in rows):
        rows = [*rows, found.baseline]
    print_trials(campaign, rows)
    if found.sentence is not None:
        print_text(found.sentence)
        if not found.is_confirmed:
            note(f"`effspine campaign finals {campaign_id}` compares the best with the baseline, or with more seeds")


def verify(
    named: CampaignId,
    database_url: Annotated[str | None, typer.Option(help="Database; default: that of the data directory.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a campaign from its seed and compare its whole record with the replay and its events, bit for bit.

    It reads the database directly, not the service; EFFSPINE_DATA_DIR or EFFSPINE_DATABASE_URL locates it.
    """
    from contextlib import closing

    from api.cli.campaign.references import WHOLE_ID, meant
    from api.cli.serve import settings_of
    from nas_controller.campaigns.replay import verify as replay
    from nas_controller.store import Store

    with closing(Store.open(settings_of(database_url=database_url).database_url)) as store:
        is_whole = WHOLE_ID.fullmatch(named) is not None
        campaign_id = named if is_whole else meant(named, _all_campaigns(store)).id
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


def _all_campaigns(store: Store) -> Iterator[CampaignRecord]:
    from nas_controller.store import CampaignFilter

    wanted, cursor = CampaignFilter(archived="any"), None
    while True:
        page = store.reads.list_campaigns(wanted, limit=1_000, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
