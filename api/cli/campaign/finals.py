"""`effspine campaign finals`, and how finals look in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.campaign.tables import print_campaign
from api.cli.output import note, print_json, print_table, print_text, signed_difference, three_digits
from nas_controller.entities import name_of_final

if TYPE_CHECKING:
    from api.documents import ComparisonDocument, FinalsReportDocument

COLUMNS = ("trial", "estimated", "AP", "seeds", "difference", "95 % interval", "verdict", "more seeds")
LEFT = ("verdict",)
DROP = ("more seeds", "estimated", "seeds", "difference")
"""Columns that are left out where the terminal is too narrow, the first one first."""


def finals(
    named: CampaignId,
    top: Annotated[int | None, typer.Option(help="Number of candidates.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds that all are trained with.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile that they are trained alone with.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Recipe of whole trainings, in the place of a profile.")] = None,
    first_seed: Annotated[int | None, typer.Option(help="First of the seeds.")] = None,
    timeout_seconds: Annotated[float | None, typer.Option(help="An attempt that takes longer fails.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Override a field of the profile or recipe."),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Run them with the settings that the campaign has.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the finals of a campaign; with an option, run them after its search, or run more of them."""
    from search_space.proxy_task import parse_overrides

    options = {
        "top": top,
        "seeds": seeds,
        "profile": profile,
        "recipe": recipe,
        "first_seed": first_seed,
        "timeout_seconds": timeout_seconds,
    }
    fields: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    fields |= parse_overrides(changes or [])
    with open_campaign(named) as (client, campaign_id):
        if fields or run:
            campaign = client.run_finals(campaign_id, **fields)
            print_campaign(campaign, as_json)
            if not as_json:
                note(f"watch them with `effspine campaign watch {campaign.id}`")
            return
        report = client.finals(campaign_id)
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    print_report(report)


def print_report(report: FinalsReportDocument) -> None:
    """Prints the comparisons, the failures and the verdict."""
    print_table(COLUMNS, comparison_rows(report), left=LEFT, drop=DROP)
    for run in report.runs:
        if run.state == "failed":
            print_text(f"{name_of_final(run.trial, run.seed)} has failed: {run.error}")
    if report.finals.fresh_images is not None:
        scored = "that gave no reward" if report.finals.fresh_images else "that rewards were measured on"
        print_text(f"scored on images {scored}")
    print_text(report.verdict.sentence)


def comparison_rows(report: FinalsReportDocument) -> list[tuple[str, ...]]:
    """The finalists and the baseline as cells of COLUMNS, with a word once the finals are over; the AP is the mean."""
    is_over = report.finals.state == "completed"
    verdict = report.verdict
    baseline = ("0", "-", three_digits(verdict.baseline_reward), str(verdict.baseline_seeds), "-", "-", "baseline", "-")
    return [*(_cells(found, found.word if is_over else "-") for found in verdict.comparisons), baseline]


def _cells(found: ComparisonDocument, word: str) -> tuple[str, ...]:
    interval = "-" if found.low is None else f"{found.low:+.3f} to {found.high:+.3f}"
    return (
        str(found.trial),
        three_digits(found.estimate),
        three_digits(found.reward),
        str(found.pairs),
        signed_difference(found.reward, found.baseline_reward),
        interval,
        word,
        "-" if found.more_seeds is None else f"{found.more_seeds:,}",
    )
