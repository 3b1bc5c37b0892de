"""`effspine bench load`: several minutes of requests to a service on a filled database."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def load(
    database_url: Annotated[
        str, typer.Option(envvar="EFFSPINE_DATABASE_URL", help="A database from `effspine bench fill`.")
    ],
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of load on each route.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the latency of lists, figures and best trials over HTTP while a campaign writes. Needs the program hey.

    The writing campaign stays in the database, stopped. The exit status is 1 if a route misses the limit.
    """
    from api.benchmarks.load import load_benchmark
    from api.cli.output import note, print_json, print_table, warning

    measured = load_benchmark(database_url, seconds, note)
    limit = measured["limit_ms"]
    if as_json:
        print_json(measured)
    else:
        rows = [
            [
                route["route"],
                f"{route['per_second']:.0f}",
                f"{route['requests']:,}",
                warning(str(route["errors"]), route["errors"] > 0),
                f"{route['p50_ms']:.1f}",
                warning(f"{route['p99_ms']:.1f}", route["p99_ms"] >= limit),
                f"{route['worst_ms']:.1f}",
            ]
            for route in measured["routes"]
        ]
        print_table(
            ("route", "per second", "requests", "errors", "p50 ms", "p99 ms", "worst ms"), rows, left=("route",)
        )
        print(
            f"{measured['database']}, {measured['campaigns']:,} campaigns with {measured['trials']:,} trials, the "
            f"largest with {measured['largest_campaign_trials']:,}; over {measured['connections']} connections"
        )
        rate = measured["writer_trials_per_second"]
        print(f"trials written per second: {rate['alone']} without load, {rate['under_load']} under load")
        print(f"'database is locked' in the service's log: {measured['times_locked']} times")
        verdict = "within" if measured["passed"] else "NOT within"
        print(
            f"{verdict} {limit:.0f} ms: the slowest is {measured['slowest_route']}, {measured['slowest_p99_ms']:.1f} ms"
        )
    raise typer.Exit(0 if measured["passed"] else 1)
