"""`effspine serve | api | supervisor`: the service as a whole, or in its two parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search_space.errors import InvalidValueError

if TYPE_CHECKING:
    from api.settings import Settings

serve_app = typer.Typer(add_completion=False)
api_app = typer.Typer(add_completion=False)
supervisor_app = typer.Typer(add_completion=False)

Host = Annotated[
    str | None,
    typer.Option(help="Where to listen; others than this machine's own need an API key.", show_default="127.0.0.1"),
]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.", show_default="8000")]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="SQLAlchemy URL of the record.", show_default="SQLite in the data directory")
]
DataDir = Annotated[Path | None, typer.Option(help="Where files are kept.", show_default="~/.local/share/effspine")]


@serve_app.command()
def serve(host: Host = None, port: Port = None, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Serve the API and the dashboard, and run campaigns.

    Ctrl-C ends it; campaigns go on where they are at the next start.
    """
    from api.serving import serve_all

    serve_all(settings_of(host=host, port=port, database_url=database_url, data_dir=data_dir))


@api_app.command()
def api(host: Host = None, port: Port = None, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Serve the API and the dashboard; a supervisor elsewhere runs the campaigns."""
    from api.serving import serve_api

    serve_api(settings_of(host=host, port=port, database_url=database_url, data_dir=data_dir))


@supervisor_app.command()
def supervisor(database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Run campaigns; a service elsewhere, on the same record, takes and shows them."""
    from api.serving import supervise

    supervise(settings_of(database_url=database_url, data_dir=data_dir))


def settings_of(**options: Any) -> Settings:
    """Settings from the command line, then from the environment. Raises InvalidValueError for a bad variable."""
    from pydantic import ValidationError

    from api.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        message = f"EFFSPINE_{name.upper()} is {wrong['input']!r}: {wrong['msg'][0].lower()}{wrong['msg'][1:]}"
        raise InvalidValueError(message, field=name) from error
