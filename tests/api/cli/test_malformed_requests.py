"""What the HTTP server answers before the service sees a request, as docs/api.md says."""

from __future__ import annotations

import socket

import pytest

from nas_controller.store import Store
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 12_000 + b"\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 20_000, b"400"),
        (b"GET /" + b"x" * 20_000, b"400"),
        (b"GET /healthz\r\n\r\n", b"400"),
        (b"G\0T / HTTP/1.1\r\n\r\n", b"400"),
    ],
    ids=["long", "too long", "path too long", "no version", "no method"],
)
def test_a_malformed_or_too_long_head_is_plain_text_of_the_server(
    served: Store, port: int, request_text: bytes, status: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request_text.replace(b"localhost", b"127.0.0.1"))
        answer = connection.recv(65_536)
    assert answer.split(b" ", 2)[1] == status
    if status == b"400":
        assert b"content-type: text/plain" in answer.lower()
        assert b"application/problem+json" not in answer


def test_the_page_of_the_api_says_so() -> None:
    assert "| 400 | none: `text/plain` |" in (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
