"""Behaviour that differs between databases: locks, snapshots of readers, texts, time zones, concurrent claims."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import QueuePool

from nas_controller.store import (
    ConflictError,
    Lease,
    LeaseLostError,
    NotFoundError,
    Store,
    StoreUnavailableError,
    StoreVersionError,
    database,
    models,
)
from nas_controller.store.cursors import encode
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace
from tests.support import postgresql
from tests.support.begun_trials import begin, claimed
from tests.support.postgresql import Server
from tests.support.synthetic_campaigns import Clock, synthetic_spec

SPACE = SearchSpace()
T = TypeVar("T")


def concurrently(calls: list[Callable[[], T]]) -> list[T]:
    """Runs calls concurrently; returns the results of those that raise neither a conflict nor a lost lease."""
    barrier = threading.Barrier(len(calls))
    won: list[T] = []
    errors: list[BaseException] = []

    def run(call: Callable[[], T]) -> None:
        barrier.wait(120)
        try:
            with suppress(ConflictError, LeaseLostError):
                won.append(call())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return won


def test_one_of_several_concurrent_claims_wins(store: Store, database_url: str, clock: Clock) -> None:
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(Store.open(database_url, clock))) for _ in range(6)]
        for _ in range(5):
            campaign_id = store.service.create_campaign(synthetic_spec()).id

            def claim(one: Store, owner: str, campaign_id: str = campaign_id) -> Lease:
                return one.runner.claim(campaign_id, owner, 60)

            won = concurrently([lambda one=one, k=k: claim(one, f"runner {k}") for k, one in enumerate(stores)])
            assert [lease.epoch for lease in won] == [1]
            clock.advance(61)  # expired: all may claim it, but only one succeeds
            again = concurrently([lambda one=one, k=k: claim(one, f"late {k}") for k, one in enumerate(stores)])
            assert [lease.epoch for lease in again] == [2]
            claims = [event for event in store.reads.events_after(campaign_id) if event.kind == "campaign.claimed"]
            assert [event.data["owner"] for event in claims] == [won[0].owner, again[0].owner]


def test_after_a_concurrent_claim_only_the_new_runner_writes(store: Store, database_url: str, clock: Clock) -> None:
    with closing(Store.open(database_url, clock)) as another:
        for _ in range(5):
            lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "old", 20)
            store.runner.begin_trial(lease, 0, SPACE.baseline)
            clock.advance(20)  # just before it expires

            def reward(lease: Lease = lease) -> str:
                return store.runner.accept_reward(lease, 0, 1, 0.5, {}, {"told": 1}).trial.state

            def claim(lease: Lease = lease) -> str:
                return another.runner.claim(lease.campaign_id, "new", 20).owner

            assert concurrently([reward, claim]) == ["new"]
            assert store.reads.get_campaign(lease.campaign_id).trials_finished == 0
            assert store.reads.controller_state(lease.campaign_id) is None


def test_concurrent_readers_and_writers_never_find_the_database_locked(store: Store, database_url: str) -> None:
    """A reader with its own store and two writers with another, concurrently."""
    leases = [claimed(store, f"runner {k}", 600) for k in range(2)]
    errors: list[BaseException] = []
    done = threading.Event()

    def write(lease: Lease) -> None:
        try:
            begin(store, lease, 0)
            for step in range(150):
                store.runner.record_progress(lease, 0, 1, step, 150, {"loss": 1.0})
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        reader = Store.open(database_url)
        try:
            while not done.is_set():
                for lease in leases:
                    reader.reads.get_campaign(lease.campaign_id)
                    reader.reads.trial_documents(lease.campaign_id)
                    reader.reads.events_after(lease.campaign_id)
        except BaseException as error:
            errors.append(error)
        finally:
            reader.close()

    writers = [threading.Thread(target=write, args=(lease,)) for lease in leases]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert errors == []
    assert all(len(store.reads.get_trial(lease.campaign_id, 0).curve) == 150 for lease in leases)


def test_a_reader_sees_one_snapshot(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    count = select(func.count()).select_from(models.Event)
    with store._database.reading() as session:
        before = session.scalar(count)
        store.service.request_stop(campaign_id)
        assert session.scalar(count) == before == 1
    with store._database.reading() as session:
        assert session.scalar(count) == 2


def test_a_writer_waits_for_a_lock_for_a_limited_time(
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One writer stops in the middle of a transaction, as after SIGSTOP."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_SECONDS", 3)
    with closing(Store.open(database_url, clock)) as frozen, closing(Store.open(database_url, clock)) as store:
        campaign_id = store.service.create_campaign(synthetic_spec()).id
        with suppress(StoreUnavailableError), frozen._database.writing() as session:
            session.get(models.Campaign, campaign_id, with_for_update=True)
            asked = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                store.runner.claim(campaign_id, "runner", 20)
            assert time.monotonic() - asked < 15
            if session.connection().dialect.name == "postgresql":
                time.sleep(3)
                assert store.runner.claim(campaign_id, "runner", 20).epoch == 1
        assert store.reads.get_campaign(campaign_id).state in ("pending", "running")


def test_a_statement_that_is_always_refused_is_no_outage(store: Store) -> None:
    def ask() -> None:
        with store._database.reading() as session:
            connection = session.connection()
            place = "?" if connection.dialect.name == "sqlite" else "%s"
            connection.exec_driver_sql(f"SELECT {place}", ("plum", "plum"))

    with pytest.raises(ProgrammingError) as caught:
        ask()
    assert "plum" not in str(caught.value)


def test_a_right_that_is_missing_may_be_granted_again(store: Store) -> None:
    class NoRightError(Exception):
        sqlstate = "42501"

    with pytest.raises(StoreUnavailableError), store._database.reading():
        raise ProgrammingError("SELECT 1", {}, NoRightError("permission denied for table campaigns"))


def test_a_database_without_tables_has_another_version(store: Store) -> None:
    def rename(old: str, new: str) -> None:
        with store._database.writing() as session:
            for table in ("alembic_version", "campaigns"):
                session.connection().exec_driver_sql(f"ALTER TABLE {old.format(table)} RENAME TO {new.format(table)}")

    store.check()
    rename("{}", "other_{}")
    try:
        with pytest.raises(StoreVersionError, match="has schema None"):
            store.check()
    finally:
        rename("other_{}", "{}")
    store.check()


def test_a_store_without_a_free_connection_is_unavailable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = store._database.engine
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    monkeypatch.setattr(pool, "_timeout", 0.01)
    with ExitStack() as opened:
        for _ in range(pool.size() + pool._max_overflow):
            opened.enter_context(engine.connect())
        with pytest.raises(StoreUnavailableError, match="all connections are in use"):
            store.reads.list_campaigns()


def test_texts_that_a_database_refuses_are_sanitised(store: Store) -> None:
    lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 20)
    store.runner.begin_trial(lease, 0, SPACE.baseline)
    store.runner.fail_attempt(lease, 0, 1, "broken \0 \ud800 bytes", "worker-killed", "a\0b")
    attempt = store.reads.get_trial(lease.campaign_id, 0).attempts[0]
    assert (attempt.error, attempt.log_tail) == ("broken \ufffd ? bytes", "a\ufffdb")
    assert store.runner.fail_trial(lease, 0, "x\0", {"told": 0}).trial.error == "x\ufffd"
    assert store.runner.finish_campaign(lease, "failed", "y\0").error == "y\ufffd"
    for name in ("c_\0", "c_\ud800", "c_é"):
        with pytest.raises(NotFoundError):
            store.reads.get_campaign(name)
        with pytest.raises(InvalidValueError, match="cursor"):
            store.reads.list_campaigns(cursor=encode([name]))


def test_times_are_utc_whatever_the_time_zone_of_the_server(store: Store, clock: Clock) -> None:
    clock.now = datetime(2025, 7, 1, 23, 59, 59, 999999, tzinfo=UTC)
    made = store.service.create_campaign(synthetic_spec())
    read = store.reads.get_campaign(made.id)
    assert read.created_at == made.created_at
    assert read.to_dict()["created_at"] == "2025-07-01T23:59:59.999999Z"


def test_a_store_works_again_after_its_server_was_restarted(postgresql: Server, clock: Clock) -> None:
    with postgresql.fresh_database() as url, closing(Store.open(url, clock)) as store:
        campaign_id = store.service.create_campaign(synthetic_spec()).id
        postgresql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        with suppress(StoreUnavailableError):
            store.reads.get_campaign(campaign_id)
        assert store.reads.get_campaign(campaign_id).state == "pending"


def test_an_idle_connection_is_tested_before_it_is_used(
    postgresql: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PING_AFTER_SECONDS", 0.0)
    with postgresql.fresh_database() as url, closing(Store.open(url, clock)) as store:
        campaign_id = store.service.create_campaign(synthetic_spec()).id
        for read in (store.reads.get_campaign, store.reads.campaign_version):
            postgresql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            assert read(campaign_id)


def test_without_a_server_tests_are_skipped_or_fail_where_one_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgresql, "programs", lambda: None)
    monkeypatch.setenv("EFFSPINE_REQUIRE_POSTGRESQL", "1")
    with pytest.raises(pytest.fail.Exception, match="no PostgreSQL server is installed"):
        next(postgresql.server_or_skip())
    monkeypatch.delenv("EFFSPINE_REQUIRE_POSTGRESQL")
    with pytest.raises(pytest.skip.Exception, match="apt-get install postgresql"):
        next(postgresql.server_or_skip())


def test_the_server_programs_are_found_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, linked = tmp_path / "real", tmp_path / "linked"
    real.mkdir(), linked.mkdir()
    for name in ("initdb", "postgres"):
        (real / name).write_text("")
    (linked / "initdb").symlink_to(real / "initdb")
    monkeypatch.setenv("PATH", str(linked))
    monkeypatch.setattr(postgresql.Path, "glob", lambda *_: iter(()))
    assert postgresql.programs() == real
