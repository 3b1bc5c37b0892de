"""The store: opens the database and provides its three facades.

store = Store.open("sqlite:////data/effspine.db")     # migrates the database to this version first
campaign = store.service.create_campaign(spec)
page = store.reads.trial_documents(campaign.id, order_by="-reward", limit=20)
lease = store.runner.claim(campaign.id, owner="runner-1", lease_seconds=20)
"""

from __future__ import annotations

from nas_controller.store.clock import Clock, utc_now
from nas_controller.store.database import Database
from nas_controller.store.database_url import require_file, sqlite_url
from nas_controller.store.errors import StoreVersionError
from nas_controller.store.facades import Reads, RunnerWrites, ServiceWrites
from nas_controller.store.schema import HEAD, current_revision, upgrade

__all__ = ["Store", "sqlite_url"]


class Store:
    """A database of campaigns: `reads`, `runner` (writes of runners and their supervisor) and `service` (writes of the
    service).

    Threads may share it. Every method is one transaction and returns frozen records or JSON documents.
    """

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self.reads = Reads(database, clock)
        self.runner = RunnerWrites(database, clock)
        self.service = ServiceWrites(database, clock)

    @classmethod
    def open(cls, url: str, clock: Clock = utc_now) -> Store:
        """The store at an SQLAlchemy URL, its schema migrated to this version of effspine.

        Raises InvalidValueError for an invalid URL and for a database in memory, StoreUnavailableError when the
        database is unavailable, and StoreVersionError when a newer effspine has migrated it.
        """
        require_file(url)
        database = Database(url)
        upgrade(database)
        return cls(database, clock)

    def check(self) -> None:
        """Checks that the database responds, has the schema of this version and free space. For readiness.

        Raises StoreUnavailableError, StoreVersionError (another effspine has migrated it since) or StoreFullError.
        """
        with self._database.reading() as session:
            revision = current_revision(session.connection())
            if revision != HEAD:
                raise StoreVersionError(
                    f"database {self._database.safe_url} has schema {revision} and this effspine needs {HEAD}; restart "
                    "it with the version that migrated the database"
                )
            session.connection().exec_driver_sql("SELECT 1 FROM campaigns LIMIT 1").all()
        self._database.check_free_space()

    def close(self) -> None:
        """Closes the store's connections."""
        self._database.close()
