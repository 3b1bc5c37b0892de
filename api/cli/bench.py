"""`effspine bench ...`: a group whose commands come from the packages that they measure."""

from __future__ import annotations

import typer

from api.cli.entry_point_group import EntryPointGroup


class BenchmarkGroup(EntryPointGroup):
    """The members of `effspine bench`."""

    members = "effspine.commands.bench"


app = typer.Typer(cls=BenchmarkGroup, add_completion=False, no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure this machine: the figures that the documents quote."""
