"""`effspine bench ...`: benchmarks, each from the package that it measures."""

from __future__ import annotations

import typer

from api.cli.entry_point_group import EntryPointGroup


class BenchmarkGroup(EntryPointGroup):
    """The benchmarks."""

    members = "effspine.commands.bench"


app = typer.Typer(cls=BenchmarkGroup, add_completion=False, no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Run benchmarks: the measurements in the documentation."""
