"""URLs for people: without passwords, in whatever form these were written."""

from __future__ import annotations

import pytest

from search_space.secret_urls import displayed_url, mask_urls, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:plum@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql+psycopg://u:pl%40um@h/db", "postgresql+psycopg://u:***@h/db"),
        ("postgresql://u:pl@um:x/y@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:pl?um@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u%3Aplum@h/db", "postgresql://u:***@h/db"),
        ("postgresql://:plum@h/db", "postgresql://:***@h/db"),
        ("postgresql:///u:plum@h/db", "postgresql://***@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        (
            "postgresql://h/db?user=u&password=plum&sslmode=require",
            "postgresql://h/db?user=u&password=***&sslmode=require",
        ),
        ("postgresql://u:plum@h/db?sslpassword=fig", "postgresql://u:***@h/db?sslpassword=***"),
        ("postgresql://h/db?%70assword=plum", "postgresql://h/db?%70assword=***"),
        ("postgresql:///db?host=/run/x&passfile=/plum", "postgresql:///db?host=/run/x&passfile=***"),
        ("host=h password='pl um' dbname=d", "host=h password=*** dbname=d"),
        ("u:plum@h/db", "***@h/db"),
        ("https://plum@h/x", "https://***@h/x"),
        ("https://u:plum@h/x?token=fig#a", "https://***@h/x?token=***"),
        ("sqlite:////data/a@b:c/x.db", "sqlite:////data/a@b:c/x.db"),
        ("sqlite://u:plum@h/x", "sqlite://u:***@h/x"),
        ("http://[::1]:8000/prefix", "http://[::1]:8000/prefix"),
        ("", ""),
    ],
)
def test_the_displayed_url_has_no_secret(url: str, shown: str) -> None:
    assert displayed_url(url) == shown
    assert displayed_url(shown) == shown


def test_a_message_loses_the_secret_in_every_form_that_quotes_it() -> None:
    url = "postgresql://u:pl%40um+x@h/db?sslpassword=fi%20g"
    told = f"cannot open {url}: 'pl@um+x' is wrong (sent as pl%40um%2Bx, pl%40um+x), nor 'fi g' or fi+g"
    assert without_secrets(told, url) == (
        "cannot open postgresql://u:***@h/db?sslpassword=***: '***' is wrong (sent as ***, ***), nor '***' or ***"
    )


def test_a_message_without_secrets_stays_as_it_is() -> None:
    assert without_secrets("no route to host h", "postgresql://h/db") == "no route to host h"


def test_every_url_in_a_text_is_masked() -> None:
    text = "no service at http://a:plum@b/c; start one, or see 'postgresql://u:plum@h/d' and https://example.org/x."
    assert mask_urls(text) == (
        "no service at http://***@b/c; start one, or see 'postgresql://u:***@h/d' and https://example.org/x."
    )
