"""One database: its engine, the settings of its connections, and its transactions, whose errors it translates: those of
an outage, and conflicts. A statement that the database will always refuse is a mistake, and its error stays as it is.

SQLite runs in WAL mode with foreign keys on and waits for other writers. Its writing transactions begin IMMEDIATE: a
transaction that reads first and writes later cannot wait for a lock but fails with "database is locked", so a writer
takes the lock before it reads.

On PostgreSQL a writer locks its campaign's row instead, with the same timeout. A process that is frozen in the middle
of a transaction keeps its locks for IDLE_IN_TRANSACTION_SECONDS, then the server ends its connection. All statements of
a reading transaction see one snapshot, as on SQLite; a single statement needs no transaction. A connection that was
idle for PING_AFTER_SECONDS is tested before it is used again, since the server may have closed it.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InvalidatePoolError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from nas_controller.store.database_url import parsed_url
from nas_controller.store.errors import ConflictError, StoreFullError, StoreUnavailableError
from search_space.errors import InvalidValueError
from search_space.secret_urls import displayed_url, without_secrets

BUSY_TIMEOUT_SECONDS = 20
IDLE_IN_TRANSACTION_SECONDS = 25  # a starved process may be slow between two statements without being frozen
CONNECT_SECONDS = 10
PING_AFTER_SECONDS = 1.0
MIN_FREE_BYTES = 2**20  # a trial and the controller's state take a few hundred kilobytes

_FULL_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_FULL_POSTGRESQL = "53100"
_NO_RIGHT_POSTGRESQL = "42501"
_USED = "effspine_used"


class Database:
    """Opens sessions on the database at `url` (an SQLAlchemy URL).

    Raises InvalidValueError for an invalid URL and for one of another driver, and StoreUnavailableError for a directory
    that cannot be created.
    """

    def __init__(self, url: str) -> None:
        parsed = parsed_url(url)
        backend = parsed.get_backend_name()
        self.safe_url = displayed_url(url)
        self._url = url
        self._directory = Path(parsed.database).parent if backend == "sqlite" and parsed.database else None
        if backend == "postgresql":
            defaults = {"connect_timeout": str(CONNECT_SECONDS), "client_encoding": "utf8"}
            missing = {name: value for name, value in defaults.items() if name not in parsed.query}
            parsed = parsed.update_query_dict(missing)
        try:
            if self._directory is not None:
                self._directory.mkdir(parents=True, exist_ok=True)
            self.engine: Engine = create_engine(parsed, hide_parameters=True)  # some are secrets
        except ModuleNotFoundError as error:
            raise InvalidValueError(
                f"database URL: {error}; for PostgreSQL install effspine with its extra 'postgres'",
                field="database_url",
            ) from error
        except OSError as error:
            raise StoreUnavailableError(f"database {self.safe_url}: {error.strerror}") from error
        self._autocommit = self._reading = self.engine
        self._writing = self.engine.execution_options(effspine_writing=True)
        if backend == "sqlite":
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            event.listen(self.engine, "connect", _configure_postgresql)
            event.listen(self.engine, "checkin", _record_use)
            event.listen(self.engine, "checkout", partial(_ping_after_idling, self.engine.dialect))

    @contextmanager
    def single_statement(self) -> Iterator[Connection]:
        """A connection for a single reading statement, without a transaction, which would often take longer than the
        statement.
        """
        with self._translated(), self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for a consistent read."""
        with self._translated(), Session(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        Raises StoreUnavailableError when the database is unavailable or locked for too long, StoreFullError when its
        disk is full, and ConflictError when two writers insert the same row.
        """
        with self._translated(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def check_free_space(self) -> None:
        """Raises StoreFullError if the disk of an SQLite file is nearly full. PostgreSQL's disk is not checked."""
        if self._directory is not None and shutil.disk_usage(self._directory).free < MIN_FREE_BYTES:
            raise StoreFullError(f"database {self.safe_url}: its disk is full; free some space")

    def close(self) -> None:
        """Closes the pooled connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ConflictError(self._message(error)) from error
        except PoolTimeoutError as error:
            raise StoreUnavailableError(f"database {self.safe_url}: all connections are in use") from error
        except DBAPIError as error:
            if _is_full(error.orig):
                raise StoreFullError(f"database {self.safe_url}: its disk is full; free some space") from error
            if _is_mistake(error):
                raise
            raise StoreUnavailableError(self._message(error)) from error

    def _message(self, error: DBAPIError) -> str:
        """What the driver says, which may quote parts of the URL."""
        return f"database {self.safe_url}: {without_secrets(str(error.orig), self._url)}"


def _is_full(error: object) -> bool:
    """Whether this error of a driver means that the disk is full."""
    code, state = getattr(error, "sqlite_errorcode", None), getattr(error, "sqlstate", None)
    return code in _FULL_SQLITE or state == _FULL_POSTGRESQL


def _is_mistake(error: DBAPIError) -> bool:
    """Whether a statement would be refused again: not if the connection is lost or could not be made, or a right is
    missing, which may be granted.
    """
    is_refused = isinstance(error, DataError | NotSupportedError | ProgrammingError)
    is_allowed = getattr(error.orig, "sqlstate", None) != _NO_RIGHT_POSTGRESQL
    return is_refused and is_allowed and error.statement is not None and not error.connection_invalidated


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """Enables the write-ahead log, waiting for other processes that do the same with a new file.

    SQLite does not apply the busy timeout to this statement: if two connections both have the read lock that it begins
    with, one is refused at once.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _configure_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions itself: `_begin_sqlite` does.
    connection.isolation_level = None
    # SQLite's own function changes ASCII letters alone.
    connection.create_function("lower", 1, lambda text: None if text is None else str(text).lower(), deterministic=True)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    _enter_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _configure_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:
    for name, seconds in (
        ("lock_timeout", BUSY_TIMEOUT_SECONDS),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_SECONDS),
    ):
        connection.execute(f"SET {name} = {int(seconds * 1000)}")
    connection.execute("SET TIME ZONE 'UTC'")  # whatever the server's own zone is
    connection.commit()  # a rollback would undo the settings


def _record_use(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED] = time.monotonic()


def _ping_after_idling(dialect: Dialect, connection: Any, entry: ConnectionPoolEntry, _: Any) -> None:
    """Makes the pool replace a broken connection. To ping every time would take as long as a short read."""
    used = entry.info.get(_USED)
    if used is None or time.monotonic() - used < PING_AFTER_SECONDS:  # None: the connection is new
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError(str(error)) from error


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("effspine_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
