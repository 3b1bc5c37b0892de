"""`effspine bench control-plane`: 5,000 trials in a few minutes on two cores."""

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
    """Measure what a trial costs besides its training: Ray Tune, controller, database."""
    from nas_controller.benchmarks.control_plane import control_plane_benchmark

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    measured = control_plane_benchmark(trials, report)
    if as_json:
        sys.stdout.write(json.dumps(measured, indent=2) + "\n")
        return
    print(f"trials                         {measured['trials']:,}, of which {measured['repeats']:,} are repeats")
    print(f"driver, seconds per trial      {measured['driver_seconds_per_trial']:.4f}")
    print(f"last tenth over first tenth    {measured['last_over_first']:.2f}")
    print(f"growth of the driver's memory  {measured['driver_rss_growth_mb']:.0f} MB")
    print(f"files left behind              {measured['files']}")
