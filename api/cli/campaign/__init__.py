"""`effspine campaign ...`: create, control, watch and read the campaigns of a running service."""

from __future__ import annotations

from collections.abc import Callable

import typer

from api.cli.campaign import control, create, edit, estimates, exports, finals, logs, queries, report, sync

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Searches of a running service: begin, watch and change them.",
)

COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Begin": {
        "create": create.create,
        "estimate": estimates.estimate,
        "start": control.start,
    },
    "Look": {
        "list": queries.list_campaigns,
        "show": queries.show,
        "watch": queries.watch,
        "trials": queries.trials,
        "best": queries.best,
        "logs": logs.logs,
    },
    "Change": {
        "pause": control.pause,
        "resume": control.resume,
        "update": control.update,
        "edit": edit.edit,
        "continue": control.continue_,
        "retry": control.retry,
        "stop": control.stop,
        "delete": control.delete,
    },
    "Use": {
        "finals": finals.finals,
        "export": exports.export,
        "report": report.report,
        "sync": sync.sync,
        "verify": queries.verify,
    },
}
for section, commands in COMMANDS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=section)(command)
