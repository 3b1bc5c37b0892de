"""Opening a store creates the schema once, or raises an error."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from nas_controller.store import Store, StoreUnavailableError, StoreVersionError
from nas_controller.store.database import Database
from search_space.errors import InvalidValueError


def test_stores_that_open_concurrently_migrate_once(empty_database_url: str) -> None:
    errors: list[BaseException] = []

    def open_store() -> None:
        try:
            Store.open(empty_database_url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_store) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_of_a_newer_version_is_refused(empty_database_url: str) -> None:
    Store.open(empty_database_url).close()
    database = Database(empty_database_url)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreVersionError, match="9999"):
        Store.open(empty_database_url)


def test_sqlite_has_the_right_settings(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/directory/effspine.db")
    with database.engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("foreign_keys") == 1
        assert pragma("synchronous") == 2
        assert int(str(pragma("busy_timeout"))) >= 10_000
    database.close()


def test_invalid_urls_and_unavailable_databases_are_refused(tmp_path: Path) -> None:
    for url in ("nonsense", "mysql://localhost/x", "sqlite+none:///x"):
        with pytest.raises(InvalidValueError):
            Database(url)
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StoreUnavailableError):
        Store.open(f"sqlite:///{tmp_path}/file/effspine.db")
    (tmp_path / "broken.db").write_text("this is no database, but it is long enough to look at" * 100)
    with pytest.raises(StoreUnavailableError, match=r"broken\.db"):
        Store.open(f"sqlite:///{tmp_path}/broken.db")


def test_errors_do_not_show_passwords() -> None:
    with pytest.raises((InvalidValueError, StoreUnavailableError)) as caught:
        Store.open("postgresql+psycopg://user:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
