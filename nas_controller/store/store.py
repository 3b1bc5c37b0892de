"""The store's face: one object for readers, for the service and for runners.

    store = Store.open("sqlite:////data/effspine.db")     # migrates the database to this version first
    campaign = store.create_campaign(spec)
    page = store.list_trials(campaign.id, order_by="-reward", limit=20)

A Store may be shared by threads. Every method is one transaction; records are plain frozen data.
"""

from __future__ import annotations

from datetime import UTC, datetime

from nas_controller.store.changing import Changing
from nas_controller.store.database import Database, sqlite_url
from nas_controller.store.keys import Keys
from nas_controller.store.lifecycle import Clock, Lifecycle
from nas_controller.store.pausing import Pausing
from nas_controller.store.reading import Reading
from nas_controller.store.running import Running
from nas_controller.store.schema import upgrade

__all__ = ["Store", "sqlite_url"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store(Reading, Lifecycle, Changing, Pausing, Running, Keys):
    """All of the record: `Reading` (queries), `Lifecycle` (campaigns and leases), `Changing` (drafts and changes),
    `Pausing`, `Running` (a runner's writes) and `Keys` (who may call the service).
    """

    def __init__(self, database: Database, clock: Clock = _utc_now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, url: str, clock: Clock = _utc_now) -> Store:
        """The store at an SQLAlchemy URL, its schema migrated to this version of effspine.

        Raises InvalidValueError for a URL that is none, StoreUnavailableError when the database is away, and
        StoreVersionError when a newer effspine has written it.
        """
        database = Database(url)
        upgrade(database)
        return cls(database, clock)

    def check(self) -> None:
        """Returns when the database answers a query and has room. Raises StoreUnavailableError and StoreFullError when
        not. For readiness.
        """
        with self._database.reading() as session:
            session.connection().exec_driver_sql("SELECT 1 FROM campaigns LIMIT 1").all()
        self._database.check_room()

    def close(self) -> None:
        """Closes the store's connections."""
        self._database.close()
