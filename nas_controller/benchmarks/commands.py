"""`effspine bench control-plane`: 5,000 trials in some minutes on two cores."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def control_plane(
    trials: Annotated[int, typer.Option(min=20, help="Trials of the campaign.")] = 5000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the cost of a trial beside its training: Ray Tune, controller, database."""
    from nas_controller.benchmarks.control_plane import control_plane_benchmark

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = control_plane_benchmark(trials, report)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    print(f"trials                         {found['trials']:,}, of them {found['repeats']:,} repeats")
    print(f"driver, seconds per trial      {found['driver_seconds_per_trial']:.4f}")
    print(f"last tenth over first tenth    {found['last_over_first']:.2f}")
    print(f"growth of the driver's memory  {found['driver_rss_growth_mb']:.0f} MB")
    print(f"files left behind              {found['files']}")
