"""Opening a store creates the schema once, or raises an error."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text

from nas_controller.store import Store, StoreUnavailableError, StoreVersionError, sqlite_url
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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://user:plum@127.0.0.1:1/none",
        "postgresql://user:plum@127.0.0.1:1/none",
        "postgresql://user:pl%40um@127.0.0.1:1/none",
        "postgresql://user:x@plum@127.0.0.1:1/none",
        "postgresql://user:x@y:plum/z@127.0.0.1:1/none",
        "postgresql://user:x@y/plum@127.0.0.1:1/none",
        "postgresql://127.0.0.1:1/none?user=u&password=plum",
        "postgresql://127.0.0.1:1/none?sslpassword=plum",
        "postgresql://127.0.0.1:1/none?password=plum&nonsense=1",
        "postgresql://user:plum@127.0.0.1:99999/none",
        "postgresql://user:plum@127.0.0.1:port/none",
        "postgresql://user:plum@[::1/none",
        "postgresql+asyncpg://user:plum@127.0.0.1/none",
        "mysql://user:plum@127.0.0.1/none",
        "sqlite://user:plum@127.0.0.1/none",
        "user:plum@127.0.0.1/none",
    ],
)
def test_errors_show_no_password_and_neither_do_their_causes(url: str) -> None:
    with pytest.raises((InvalidValueError, StoreUnavailableError)) as caught:
        Store.open(url)
    assert "127.0.0.1" in str(caught.value) or "::1" in str(caught.value)
    assert "plum" not in "".join(traceback.format_exception(caught.value))
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite+pysqlite:///:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory"),
        ("sqlite:///file::memory:?uri=true", "in memory"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite or postgresql"),
        ("postgresql+psycopg2://h/d", "sqlite or postgresql"),
        ("postgresql+asyncpg://h/d", "sqlite or postgresql"),
        ("postgres://h/d", "sqlite or postgresql"),
        ("sqlite://relative/x.db", "four slashes"),
        ("sqlite:////tmp/a?b/x.db", "%3F"),
        ("postgresql://h:port/d", "postgresql://USER"),
        ("postgresql://u:p@w@h/d", "%40"),
    ],
)
def test_a_database_that_effspine_cannot_use_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(InvalidValueError, match=reason) as caught:
        Store.open(url)
    assert caught.value.field == "database_url"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["what?", "100%41", "a b", "a#b;c", "new\nline", "~", "Äpfel 苹果", "[x]*", "dot.", "a@b:c", "file:x"]
)
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "effspine.db"
    Store.open(sqlite_url(file)).close()
    assert file.is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    store = Store.open(sqlite_url(file))
    assert store.service.list_keys() == ()
    store.close()
