"""`effspine campaign finals`, and how finals look in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.campaign.tables import print_campaign
from api.cli.output import note, print_json, print_table, print_text, signed_difference, three_digits
from nas_controller.entities import name_of_final
from nas_controller.states import BASELINE_TRIAL

if TYPE_CHECKING:
    from api.documents import ComparisonDocument, FinalsReportDocument, VerdictDocument

COLUMNS = ("trial", "estimated", "AP", "seeds", "difference", "95 % interval", "parameters", "verdict", "more seeds")
_LATENCY = "latency"
LEFT = ("verdict",)
DROP = ("more seeds", "estimated", "seeds", "latency", "parameters", "difference")
"""Columns that are left out where the terminal is too narrow, the first one first."""


def finals(
    named: CampaignId,
    top: Annotated[int | None, typer.Option(help="Number of candidates.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds that all are trained with.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile that they are trained alone with.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe to train with, instead of a profile (epochs on all images).")
    ] = None,
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
    print_table(comparison_columns(report), comparison_rows(report), left=LEFT, drop=DROP)
    for run in report.runs:
        if run.state == "failed":
            print_text(f"{name_of_final(run.trial, run.seed)} has failed: {run.error}")
    if report.finals.fresh_images is not None:
        scored = "that gave no reward" if report.finals.fresh_images else "that rewards were measured on"
        print_text(f"scored on images {scored}")
    print_text(report.verdict.sentence)


def comparison_columns(report: FinalsReportDocument) -> tuple[str, ...]:
    """The titles of `comparison_rows`: COLUMNS, and the latency where it was measured."""
    return (*COLUMNS, _LATENCY) if _has_latency(report) else COLUMNS


def comparison_rows(report: FinalsReportDocument) -> list[tuple[str, ...]]:
    """The finalists and the baseline as cells, with a word once the finals are over; the AP is the mean, costs are
    changes of the baseline's.
    """
    is_over, has_latency = report.finals.state == "completed", _has_latency(report)
    rows = [_cells(found, found.word if is_over else "-", has_latency) for found in report.verdict.comparisons]
    return [*rows, _baseline_cells(report.verdict, has_latency)]


def _has_latency(report: FinalsReportDocument) -> bool:
    return any(found.latency_ratio is not None for found in report.verdict.comparisons)


def _cells(found: ComparisonDocument, word: str, has_latency: bool) -> tuple[str, ...]:
    interval = "-" if found.low is None else f"{found.low:+z.3f} to {found.high:+z.3f}"
    return (
        str(found.trial),
        three_digits(found.estimate),
        three_digits(found.reward),
        str(found.pairs),
        signed_difference(found.reward, found.baseline_reward),
        interval,
        _change(found.params_ratio),
        word,
        "-" if found.more_seeds is None else f"{found.more_seeds:,}",
        *(("-" if found.latency_ratio is None else _change(found.latency_ratio),) if has_latency else ()),
    )


def _baseline_cells(verdict: VerdictDocument, has_latency: bool) -> tuple[str, ...]:
    ap, seeds = three_digits(verdict.baseline_reward), str(verdict.baseline_seeds)
    latency = ("-",) if has_latency else ()
    return (str(BASELINE_TRIAL), "-", ap, seeds, "-", "-", "-", "baseline", "-", *latency)


def _change(ratio: float) -> str:
    return f"{100 * (ratio - 1):+z.0f} %"
