"""`effspine campaign ...`: create, control, watch and read the campaigns of a running service."""

from __future__ import annotations

from collections.abc import Callable

import typer

from api.cli.campaign import control, edit, exports, finals, queries

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Start, watch, pause, stop and read campaigns.")

COMMANDS: dict[str, Callable[..., None]] = {
    "create": control.create,
    "estimate": queries.estimate,
    "start": control.start,
    "update": control.update,
    "edit": edit.edit,
    "continue": control.continue_,
    "list": queries.list_campaigns,
    "show": queries.show,
    "stop": control.stop,
    "pause": control.pause,
    "resume": control.resume,
    "retry": control.retry,
    "finals": finals.finals,
    "watch": queries.watch,
    "trials": queries.trials,
    "best": queries.best,
    "export": exports.export,
    "verify": queries.verify,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
