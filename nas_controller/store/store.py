"""The store's face: one object for readers, for the service and for runners.

    store = Store.open("sqlite:////data/effspine.db")     # migrates the database to this version first
    campaign = store.create_campaign(spec)
    page = store.list_trials(campaign.id, order_by="-reward", limit=20)

A Store may be shared by threads. Every method is one transaction; records are plain frozen data.
"""

from __future__ import annotations

from datetime import UTC, datetime

from nas_controller.store.api_keys import Keys
from nas_controller.store.database import Database, sqlite_url
from nas_controller.store.downsampling import Sampling
from nas_controller.store.errors import StoreVersionError
from nas_controller.store.etag_versions import Versions
from nas_controller.store.exports import Exporting
from nas_controller.store.idempotency_keys import Idempotency
from nas_controller.store.lifecycle import Clock, Lifecycle
from nas_controller.store.pausing import Pausing
from nas_controller.store.queries import Reading
from nas_controller.store.runner_writes import Running
from nas_controller.store.schema import HEAD, current_revision, upgrade
from nas_controller.store.serialisation import Showing
from nas_controller.store.supervisors import Supervisors
from nas_controller.store.totals import Totalling
from nas_controller.store.trial_durations import Durations
from nas_controller.store.updates import Changing

__all__ = ["Store", "sqlite_url"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store(
    Reading, Showing, Sampling, Versions, Totalling, Durations, Lifecycle, Changing, Pausing, Running, Exporting, Keys,
    Idempotency, Supervisors,
):  # fmt: skip
    """All of the record: `Reading`, `Showing` and `Sampling` (queries), `Versions` (whether anything has changed),
    `Totalling` (sums for metrics), `Durations` (how long trials have taken), `Lifecycle` (campaigns and leases),
    `Changing` (drafts and changes), `Pausing`, `Running` (a runner's writes), `Exporting` (files taken away), `Keys`
    (who may call the service), `Idempotency` (requests that came before) and `Supervisors` (who runs campaigns).
    """

    def __init__(self, database: Database, clock: Clock = _utc_now) -> None:
        self._database = database
        Sampling.__init__(self, database)  # the one that keeps something
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
        """Returns when the database answers, has the schema of this version and room. For readiness.

        Raises StoreUnavailableError, StoreVersionError (another effspine has migrated it since) and StoreFullError when
        not.
        """
        with self._database.reading() as session:
            session.connection().exec_driver_sql("SELECT 1 FROM campaigns LIMIT 1").all()
            revision = current_revision(session.connection())
        if revision != HEAD:
            raise StoreVersionError(
                f"database {self._database.shown_url} has schema {revision} and this effspine needs {HEAD}; restart it "
                "with the version that migrated the database"
            )
        self._database.check_room()

    def close(self) -> None:
        """Closes the store's connections."""
        self._database.close()
