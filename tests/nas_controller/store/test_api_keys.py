"""API keys and login sessions: their validity, their expiry, and that the database has no secret."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from nas_controller.store import ConflictError, NotFoundError, Store
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import Clock

HOUR = timedelta(hours=1)


def opens(store: Store, key: str) -> bool:
    return store.service.identify_key(key) is not None


def test_a_key_is_valid_and_similar_texts_are_not(store: Store) -> None:
    record, key = store.service.create_key("ops", "operate")
    assert store.service.identify_key(key) == record == store.service.list_keys()[0]
    other, other_key = store.service.create_key("other", "view")
    swapped = key.replace(record.id, other.id)
    flipped = key[:-1] + ("A" if key[-1] != "A" else "B")
    for wrong in ("", key[:-1], key + "A", key + "\n", flipped, swapped, key.upper(), "effspine_", "é" * 60):
        assert not opens(store, wrong), wrong
    assert opens(store, other_key)


def test_neither_key_nor_token_is_in_the_database(store: Store) -> None:
    record, key = store.service.create_key("ops", "operate")
    token = store.service.create_session(record.id, HOUR)
    with store._database.reading() as session:
        rows = [
            str(row)
            for table in ("api_keys", "login_sessions")
            for row in session.connection().execute(text(f"SELECT * FROM {table}"))
        ]
    assert len(rows) == 2
    assert not any(key in row or key.rpartition(record.id)[2][1:] in row or token in row for row in rows)


def test_a_key_expires(store: Store, clock: Clock) -> None:
    _, key = store.service.create_key("ops", "view", lifetime=HOUR)
    clock.advance(3599)
    assert opens(store, key)
    clock.advance(1)
    assert not opens(store, key)
    assert store.service.has_keys()
    assert not store.service.has_active_keys()


def test_the_old_secret_of_a_rotated_key_is_valid_for_the_grace_period(store: Store, clock: Clock) -> None:
    record, first = store.service.create_key("ops", "view")
    _, second = store.service.rotate_key(record.id)
    assert not opens(store, first)
    _, third = store.service.rotate_key(record.id, grace=HOUR)
    assert opens(store, second)
    assert opens(store, third)
    assert not opens(store, first)
    clock.advance(3600)
    assert not opens(store, second)
    assert opens(store, third)


def test_revoking_ends_a_key_its_grace_period_and_its_sessions(store: Store) -> None:
    record, first = store.service.create_key("ops", "view")
    _, second = store.service.rotate_key(record.id, grace=HOUR)
    token = store.service.create_session(record.id, HOUR)
    revoked = store.service.revoke_key(record.id)
    assert revoked.revoked_at is not None
    assert store.service.revoke_key(record.id) == revoked
    assert not opens(store, first)
    assert not opens(store, second)
    assert store.service.identify_session(token) is None
    assert not store.service.has_keys()
    with pytest.raises(ConflictError):
        store.service.rotate_key(record.id)


def test_a_session_identifies_its_key_until_it_expires(store: Store, clock: Clock) -> None:
    record, _ = store.service.create_key("ops", "operate")
    token, other = store.service.create_session(record.id, HOUR), store.service.create_session(record.id, HOUR)
    assert store.service.identify_session(token) == record
    assert store.service.identify_session(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert store.service.identify_session("") is None
    store.service.end_session(token)
    assert store.service.identify_session(token) is None
    assert store.service.identify_session(other) == record
    clock.advance(3600)
    assert store.service.identify_session(other) is None


def test_a_session_does_not_outlive_its_key(store: Store, clock: Clock) -> None:
    record, _ = store.service.create_key("ops", "operate", lifetime=HOUR)
    token = store.service.create_session(record.id, 2 * HOUR)
    clock.advance(3600)
    assert store.service.identify_session(token) is None
    rotated, _ = store.service.create_key("other", "view")
    token = store.service.create_session(rotated.id, HOUR)
    store.service.rotate_key(rotated.id, grace=HOUR)
    assert store.service.identify_session(token) is None


def test_the_last_use_of_a_key_is_recorded(store: Store, clock: Clock) -> None:
    record, key = store.service.create_key("ops", "view")
    assert record.last_used_at is None
    clock.advance(60)
    store.service.record_key_use(record.id)
    found = store.service.identify_key(key)
    assert found is not None
    assert found.last_used_at == record.created_at + timedelta(seconds=60)


def test_scopes_include_lower_ones(store: Store) -> None:
    view, operate, admin = (store.service.create_key("x", scope)[0] for scope in ("view", "operate", "admin"))
    assert [view.allows(scope) for scope in ("view", "operate", "admin")] == [True, False, False]
    assert [operate.allows(scope) for scope in ("view", "operate", "admin")] == [True, True, False]
    assert [admin.allows(scope) for scope in ("view", "operate", "admin")] == [True, True, True]


def test_invalid_names_and_scopes_are_refused(store: Store) -> None:
    for name in ("", "n" * 101, "two\nlines"):
        with pytest.raises(InvalidValueError):
            store.service.create_key(name, "view")
    with pytest.raises(InvalidValueError):
        store.service.create_key("x", "root")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        store.service.revoke_key("k0")
    assert not store.service.has_keys()
