"""The addresses that webhooks may have."""

from __future__ import annotations

import pytest

from nas_controller.webhooks.addresses import checked_url
from search_space.errors import InvalidValueError


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("hooks.example.org", "must begin with https://"),
        ("ftp://hooks.example.org", "must begin with https://"),
        ("https://", "name a host"),
        ("https://[::1", "no address"),
        ("https://a.example:99999/", "no address"),
        ("https://user:hunter2@a.example/", "no user, password or fragment"),
        ("https://a.example/#part", "no user, password or fragment"),
        ("https://a.example/ä", "ASCII"),
        ("https://a.example/a b", "ASCII"),
        ("https://a.example/" + "a" * 2_000, "2,000"),
    ],
)
def test_an_address_that_is_none_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(InvalidValueError, match="url is") as refused:
        checked_url(url)
    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_an_allow_list_refuses_every_other_host() -> None:
    hosts = ("hooks.example.org", "*.corp.example")
    for url in ("https://hooks.example.org/a", "http://HOOKS.example.org:8080", "https://a.b.corp.example"):
        assert checked_url(url, hosts) == url
    for url in ("https://example.org", "https://corp.example", "https://xcorp.example", "http://127.0.0.1/"):
        with pytest.raises(InvalidValueError, match="EFFSPINE_WEBHOOK_HOSTS allows only"):
            checked_url(url, hosts)
