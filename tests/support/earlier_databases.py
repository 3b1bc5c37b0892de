"""Databases with earlier schemas."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.config import Config
from sqlalchemy import column, inspect, select, table

from nas_controller.store import Store
from nas_controller.store.database import Database
from nas_controller.store.models import Base
from nas_controller.store.schema import MIGRATIONS
from tests.support.paths import ROOT


class Recording(NamedTuple):
    """A database dump in `tests/data`, and the API key in it."""

    name: str
    key: str

    def load(self, path: Path) -> None:
        """Restores the SQLite file from the dump."""
        script = gzip.decompress((ROOT / "tests" / "data" / self.name).read_bytes()).decode()
        with sqlite3.connect(path) as connection:
            connection.executescript(script)
        connection.close()


RECORDINGS = {
    "9e515b82248ad6a1e0865e4c9b870aed49d5e3764c1f16bb902eab4c3e23dc33": Recording(
        "schema-0007-avx512.sql.gz", "effspine_ksqfwjhbbndpe__M_9dKB5mA4jZ7w8H2Og0GbQQfyO8SWjax_3iLfQMwg"
    ),
    "856d0a617019ddfc40337b935ee557274b16733148ccfa658df79e8cf44a9203": Recording(
        "schema-0007-avx2.sql.gz", "effspine_k7qxy7zmfjd9y_oQ9wf3GpddwnC5UQfpgMo5JkfSqb2SrecqW5Q32mnj4"
    ),
}
"""The dumps by the fingerprint of the arithmetic (`tests.support.arithmetic`) that they were recorded with."""


def copy_into_schema(revision: str, source: Store, url: str) -> None:
    """Migrates a new database to a revision and copies the rows of the source into it."""
    target = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with target.writing() as writing, source._database.reading() as reading:
        connection = writing.connection()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = inspect(connection).get_table_names()
        for model in Base.metadata.sorted_tables:
            if model.name not in tables:
                continue  # the earlier schema has no such table
            columns = {column["name"] for column in inspect(connection).get_columns(model.name)}
            # The same types, but without the defaults of the current models.
            earlier = table(model.name, *(column(c.name, c.type) for c in model.columns if c.name in columns))
            for row in reading.execute(select(model)):
                values = _of_earlier_schema(dict(row._mapping), columns, _keys_since(revision))
                connection.execute(earlier.insert().values({name: values[name] for name in columns}))
    target.close()


_DIGESTS = ("spec_sha256", "metrics_sha256", "data_sha256", "draft")


def _keys_since(revision: str) -> tuple[str, ...]:
    """The keys of events' data that came after a revision: digests with 0009, the kinds of errors after the first."""
    if revision >= "0009":
        return ()
    return ("kind", *_DIGESTS) if revision == "0001" else _DIGESTS


def _of_earlier_schema(row: dict[str, Any], columns: set[str], keys: tuple[str, ...]) -> dict[str, Any]:
    """A row with the columns of an earlier schema alone, an event without these keys in its data."""
    values = {name: value for name, value in row.items() if name in columns}
    if "sequence" in values and "data" in values:
        values["data"] = {name: value for name, value in values["data"].items() if name not in keys}
    return values
