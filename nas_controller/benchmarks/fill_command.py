"""`effspine bench fill`: fills an empty database with 100 campaigns and 100,000 trials within minutes."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def fill(
    database_url: Annotated[
        str, typer.Option(envvar="EFFSPINE_DATABASE_URL", help="The empty database, as an SQLAlchemy URL.")
    ],
    campaigns: Annotated[int, typer.Option(help="Number of campaigns; every state occurs.")] = 100,
    trials: Annotated[int, typer.Option(help="Total number of trials.")] = 100_000,
    largest: Annotated[int, typer.Option(help="Number of trials of the largest campaign, the newest one.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the campaigns.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Fill an empty database with as many campaigns as after long use, for `effspine bench load`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from nas_controller.benchmarks.filled_database import fill, plans

    campaign_plans = plans(campaigns, trials, largest, seed)
    started = time.monotonic()
    columns = (TextColumn("trials"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("trials", total=trials)
        filled = fill(database_url, campaign_plans, lambda count: bar.advance(task, count))
    summary = {
        **filled,
        "seconds": round(time.monotonic() - started, 1),
        "processes": min(campaigns, os.cpu_count() or 1),
    }
    if as_json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
        return
    print(f"{campaigns:,} campaigns with {trials:,} trials in {summary['seconds']:.0f} s")
    print(f"the largest is {filled['largest']['id']} with {filled['largest']['trials']:,} trials")
