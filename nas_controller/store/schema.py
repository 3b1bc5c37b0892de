"""Migrates a database to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from nas_controller.store.database import Database
from nas_controller.store.errors import StoreVersionError

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(path.name[1:5] for path in MIGRATIONS.glob("versions/r*.py"))

# An arbitrary number; every effspine process uses the same one.
_POSTGRESQL_LOCK = 5_318_018


def current_revision(connection: Connection) -> str | None:
    """The schema's revision, or None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def upgrade(database: Database) -> None:
    """Migrates to HEAD; does nothing if the schema is at HEAD.

    Processes that start at the same time wait for each other. Raises StoreVersionError for a revision that this version
    does not know, and StoreUnavailableError when the database is unavailable.
    """
    with database.reading() as session:
        if current_revision(session.connection()) == HEAD:
            return
    with database.writing() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"))
        revision = current_revision(connection)
        if revision != HEAD:
            _migrate(connection, revision, database.safe_url)


def _migrate(connection: Connection, revision: str | None, safe_url: str) -> None:
    # Imported here, since Alembic is slow to import and only a migration needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreVersionError(
            f"database {safe_url} has schema {revision}, which this effspine does not know (its newest is "
            f"{HEAD}); upgrade effspine or give another database"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
