"""`effspine serve | api | supervisor`: the whole service, or one of its two halves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.loopback import DEFAULT_HOST, DEFAULT_PORT
from search_space.errors import InvalidValueError

if TYPE_CHECKING:
    from api.settings import Settings

serve_app = typer.Typer(add_completion=False)
api_app = typer.Typer(add_completion=False)
supervisor_app = typer.Typer(add_completion=False)

Host = Annotated[
    str | None,
    typer.Option(
        help="Address to listen on; other addresses than loopback need an API key.", show_default=DEFAULT_HOST
    ),
]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default=str(DEFAULT_PORT))]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the database.", show_default="SQLite in the data directory")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Data directory: database, data sets, caches, logs, exports.", show_default="~/.local/share/effspine"
    ),
]

RayAddress = Annotated[
    str | None,
    typer.Option(help="Head of the Ray cluster to train on, HOST:PORT; `auto` for the cluster of this machine."),
]
CampaignsAtOnce = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of running campaigns.", show_default="4")
]
MaxParallelism = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of trials in training, over all campaigns.")
]
WatchStdin = Annotated[bool, typer.Option("--watch-stdin", help="End when standard input closes.", hidden=True)]
MAX_VALUE_LENGTH = 100


@serve_app.command()
def serve(
    host: Host = None,
    port: Port = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    ray_address: RayAddress = None,
    campaigns_at_once: CampaignsAtOnce = None,
    max_parallelism: MaxParallelism = None,
    watch_stdin: WatchStdin = False,
) -> None:
    """Serve the API and the dashboard, and run campaigns.

    Ctrl-C stops it; campaigns continue at the next start.
    """
    if watch_stdin:
        from nas_controller.supervision.stdin_watch import watch_stdin as watch
        from nas_controller.supervision.supervisor import SHUTDOWN_SECONDS

        watch(hard_end_seconds=SHUTDOWN_SECONDS + 5.0)  # the supervisor ends its runners before
    from api.http.server import serve_all

    serve_all(
        settings_of(
            host=host,
            port=port,
            database_url=database_url,
            data_dir=data_dir,
            ray_address=ray_address,
            campaigns_at_once=campaigns_at_once,
            max_parallelism=max_parallelism,
        )
    )


@api_app.command()
def api(host: Host = None, port: Port = None, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Serve the API and the dashboard; `effspine supervisor` runs the campaigns."""
    from api.http.server import serve_api

    serve_api(settings_of(host=host, port=port, database_url=database_url, data_dir=data_dir))


@supervisor_app.command()
def supervisor(
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    ray_address: RayAddress = None,
    campaigns_at_once: CampaignsAtOnce = None,
    max_parallelism: MaxParallelism = None,
) -> None:
    """Run campaigns; `effspine api` on the same database serves the API."""
    from api.http.server import supervise

    supervise(
        settings_of(
            database_url=database_url,
            data_dir=data_dir,
            ray_address=ray_address,
            campaigns_at_once=campaigns_at_once,
            max_parallelism=max_parallelism,
        )
    )


def settings_of(**options: Any) -> Settings:
    """Settings from the command line, then from the environment. Raises InvalidValueError for an invalid one."""
    from pydantic import ValidationError

    from api.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        detail = error.errors()[0]
        name = str(detail["loc"][0])
        reason = detail["msg"].removeprefix("Value error, ")
        value = str(detail["input"])[:MAX_VALUE_LENGTH]
        given = f"EFFSPINE_{name.upper()}" if options.get(name) is None else f"--{name.replace('_', '-')}"
        message = f"{given} is {value!r}: {reason[0].lower()}{reason[1:]}"
        raise InvalidValueError(message, field=name) from error
