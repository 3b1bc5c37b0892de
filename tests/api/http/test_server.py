"""The server process: which settings need an API key to start."""

from __future__ import annotations

import pytest

from api.http.server import require_keys
from api.settings import Settings
from nas_controller.store import Store
from search_space.errors import InvalidValueError
from tests.support.api_access import create_key


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": "0.0.0.0"}, "host"),
        ({"host": "10.0.0.5"}, "host"),
        ({"allowed_hosts": "search.example.org"}, "allowed_hosts"),
        ({"host": "0.0.0.0", "allowed_hosts": "search.example.org"}, "allowed_hosts"),
    ],
)
def test_settings_that_others_can_reach_need_a_key(
    settings: Settings, store: Store, changes: dict[str, str], field: str
) -> None:
    reachable = settings.model_copy(update=changes)
    with pytest.raises(InvalidValueError, match="effspine keys create") as raised:
        require_keys(reachable, store)
    assert raised.value.field == field
    create_key(store, "view")
    require_keys(reachable, store)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_settings_on_loopback_need_none(settings: Settings, store: Store, host: str) -> None:
    require_keys(settings.model_copy(update={"host": host}), store)
