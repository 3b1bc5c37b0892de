"""`effspine keys` directly on the database, without a running service."""

from __future__ import annotations

from pathlib import Path

from nas_controller.store import Store, sqlite_url
from tests.support.command_line import CommandLine


def test_a_key_is_created_listed_rotated_and_revoked(effspine: CommandLine, tmp_path: Path) -> None:
    result = effspine("keys", "create", "--name", "ops", "--scope", "operate", "--expires-in-days", "3", "--json")
    first = result.document
    assert "the first key" in result.err
    listed = effspine("keys", "list", "--json").document
    assert listed == [{name: value for name, value in first.items() if name != "key"}]
    assert (listed[0]["scope"], listed[0]["state"]) == ("operate", "active")
    rotated = effspine("keys", "rotate", first["id"], "--json").document
    store = Store.open(sqlite_url(tmp_path / "data" / "effspine.db"))
    assert store.service.identify_key(first["key"]) is None
    found = store.service.identify_key(rotated["key"])
    assert found is not None
    assert found.id == first["id"]
    assert found.expires_at is not None
    revoked = effspine("keys", "revoke", first["id"], "--json")
    assert revoked.document["state"] == "revoked"
    assert "no key is left" in revoked.err
    assert store.service.identify_key(rotated["key"]) is None
    store.close()


def test_the_old_secret_is_valid_during_the_grace_period(effspine: CommandLine, tmp_path: Path) -> None:
    first = effspine("keys", "create", "--name", "ops", "--scope", "view", "--json").document
    second = effspine("keys", "rotate", first["id"], "--grace-hours", "2", "--json").document
    store = Store.open(sqlite_url(tmp_path / "data" / "effspine.db"))
    assert store.service.identify_key(first["key"]) == store.service.identify_key(second["key"]) is not None
    store.close()


def test_only_the_key_is_on_standard_output_and_no_list_shows_it(effspine: CommandLine) -> None:
    result = effspine("keys", "create", "--name", "ops", "--scope", "view")
    key = result.out.strip()
    assert key.startswith("effspine_k")
    secret = key.rpartition("_")[2]
    assert secret not in result.err
    assert secret not in effspine("keys", "list").out + effspine("keys", "list", "--json").out


def test_the_database_can_be_given_by_url(effspine: CommandLine, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "other.db")
    assert effspine("keys", "create", "--name", "a", "--scope", "view", "--database-url", url).status == 0
    assert len(effspine("keys", "list", "--json", "--database-url", url).document) == 1
    assert effspine("keys", "list", "--json", "--data-dir", str(tmp_path / "elsewhere")).document == []


def test_invalid_arguments_are_one_line(effspine: CommandLine) -> None:
    for arguments in (
        ("rotate", "k0"),
        ("revoke", "k0"),
        ("create", "--name", "", "--scope", "view"),
        ("create", "--name", "x", "--scope", "root"),
    ):
        result = effspine("keys", *arguments)
        assert result.status == 2, arguments
        assert len(result.err.splitlines()) == 1
