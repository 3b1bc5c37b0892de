"""`effspine keys ...`: creates, lists, rotates and revokes API keys. The commands open the database directly, so they
work without the service, and anybody with write access to the database can create keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import note, print_json, print_table, print_text
from api.cli.serve import DatabaseUrl, DataDir, settings_of
from nas_controller.states import KeyScope

if TYPE_CHECKING:
    from nas_controller.store import Store
    from nas_controller.store.api_keys import KeyRecord

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Create, list, rotate and revoke API keys.")

MAX_EXPIRY_DAYS = 36_500


_SCOPES = (
    "view reads; operate also creates, changes and deletes campaigns and starts trainings and exports; admin also "
    "lists and revokes keys and manages webhooks."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as `list` shows it.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Description: who or what uses it.")],
    scope: Annotated[KeyScope, typer.Option(help=_SCOPES)],
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=MAX_EXPIRY_DAYS, help="Days until the key expires.", show_default="never")
    ] = None,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Create a key. It is printed only once; the database has only its hash."""
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    with _store(database_url, data_dir) as store:
        is_first = not store.service.has_keys()
        record, key = store.service.create_key(name, scope, lifetime=lifetime)
    _print_secret(record, key, as_json)
    if is_first:
        note("it is the first key: from now on every request needs one, including those from this machine")


@app.command("list")
def list_all(as_json: AsJson = False, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """List keys, oldest first, including expired and revoked ones."""
    with _store(database_url, data_dir) as store:
        records = store.service.list_keys()
    now = datetime.now(UTC)
    if as_json:
        print_json([_document(record, now) for record in records])
        return
    if not records:
        note("there is no key; create one with `effspine keys create --name NAME --scope admin`")
        return
    print_table(
        ("id", "name", "scope", "state", "created", "last used", "expires"),
        (
            (
                record.id,
                record.name,
                record.scope,
                record.state(now),
                _minute(record.created_at),
                _minute(record.last_used_at),
                _minute(record.expires_at),
            )
            for record in records
        ),
        left=("id", "name", "scope", "state"),
        drop=("created", "expires", "last used", "scope"),
        cut=("name",),
    )


@app.command()
def rotate(
    key_id: Id,
    grace_hours: Annotated[float, typer.Option(min=0, max=24 * 365, help="How long the old secret stays valid.")] = 0.0,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Give a key a new secret, which is printed only once. Name, scope and expiry do not change; its sessions end."""
    with _store(database_url, data_dir) as store:
        record, key = store.service.rotate_key(key_id, grace=timedelta(hours=grace_hours))
    _print_secret(record, key, as_json)


@app.command()
def revoke(key_id: Id, as_json: AsJson = False, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Revoke a key permanently and end its dashboard sessions at once."""
    with _store(database_url, data_dir) as store:
        record = store.service.revoke_key(key_id)
        is_open = not store.service.has_keys()
    if as_json:
        print_json(_document(record, datetime.now(UTC)))
    else:
        print_text(f"key {record.id} ({record.name}) is revoked")
    if is_open:
        note("no key is left: a service on loopback is open to all users of this machine again")


@contextmanager
def _store(database_url: DatabaseUrl, data_dir: DataDir) -> Iterator[Store]:
    from contextlib import closing

    from nas_controller.store import Store

    settings = settings_of(database_url=database_url, data_dir=data_dir)
    with closing(Store.open(settings.database_url)) as store:
        yield store


def _print_secret(record: KeyRecord, key: str, as_json: bool) -> None:
    if as_json:
        print_json({**_document(record, datetime.now(UTC)), "key": key})
        return
    print_text(key)
    note(f"key {record.id} ({record.name}, {record.scope}) is not shown again; commands read it from EFFSPINE_API_KEY")


def _document(record: KeyRecord, now: datetime) -> dict[str, object]:
    return {**record.to_dict(), "state": record.state(now)}


def _minute(time: datetime | None) -> str:
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M}"
