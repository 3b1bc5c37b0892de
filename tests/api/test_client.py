"""The client: clear errors, idempotent retries, and resumed event streams."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from api import client_connection
from api.client import Client, ServiceRefusedError, ServiceUnreachableError
from search_space.errors import EffspineError

HEALTH = {"status": "ok", "version": "0", "data_dir": None}
EVENT = 'id: {0}\ndata: {{"sequence":{0},"at":"2025-01-01T00:00:00Z","kind":"trial.begun","data":{{}}}}\n\n'
HEALTHY = httpx.Response(200, json=HEALTH)
END = "event: end\ndata: {}\n\n"
EVENT_STREAM = {"Content-Type": "text/event-stream"}


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EFFSPINE_API_KEY", raising=False)
    monkeypatch.setattr("api.client_connection.RETRY_WAITS_SECONDS", (0.0, 0.0, 0.0))


def client_of(respond: Callable[[httpx.Request], httpx.Response]) -> Client:
    """A client whose requests go to a function."""
    return Client("http://127.0.0.1:1", transport=httpx.MockTransport(respond))


def test_an_unreachable_service_is_one_line_with_advice() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServiceUnreachableError) as raised:
        client.health()
    assert f"http://127.0.0.1:{port}" in str(raised.value)
    assert "effspine serve" in str(raised.value)


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_URL", "http://127.0.0.1:8123/")
    assert Client().url == "http://127.0.0.1:8123"
    monkeypatch.setenv("EFFSPINE_URL", "127.0.0.1:8123")
    with pytest.raises(EffspineError, match="EFFSPINE_URL"):
        Client()


def test_the_key_comes_from_the_environment_and_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers.get("authorization"))
        problem = {"detail": "no key was sent", "status": 401}
        return httpx.Response(401, json=problem, headers={"Content-Type": "application/problem+json"})

    for key, header in (("", None), (" effspine_k_secret\n", "Bearer effspine_k_secret")):
        monkeypatch.setenv("EFFSPINE_API_KEY", key)
        with pytest.raises(ServiceRefusedError, match="EFFSPINE_API_KEY"):
            client_of(respond).campaign("x")
        assert shown[-1] == header
    for invalid in ("two words", "a\nb", "k\u00e9y"):
        monkeypatch.setenv("EFFSPINE_API_KEY", invalid)
        with pytest.raises(EffspineError, match="EFFSPINE_API_KEY") as raised:
            client_of(respond)
        assert invalid not in str(raised.value)


def test_requests_are_retried_and_posts_keep_their_idempotency_key() -> None:
    calls: list[tuple[str, str | None]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        calls.append((request.method, request.headers.get("idempotency-key")))
        if len(calls) < 3:
            raise httpx.ReadError("cut off")
        return httpx.Response(409, json={"type": "about:blank"}) if request.method == "POST" else HEALTHY

    assert client_of(respond).health().status == "ok"
    assert calls == [("GET", None)] * 3
    calls.clear()
    for _ in range(2):
        with pytest.raises(ServiceRefusedError):
            client_of(respond).create_campaign({"name": "x"})
    keys = [key for _, key in calls]
    assert len(keys) == 4
    assert keys[0] is not None
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


def test_the_client_waits_for_a_request_in_progress() -> None:
    busy = {"type": "urn:effspine:problem:idempotency-key-busy", "detail": "still being worked on"}
    sent: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["idempotency-key"])
        if len(sent) < 3:
            return httpx.Response(409, json=busy, headers={"Retry-After": "0"})
        return httpx.Response(422, json={})

    with pytest.raises(ServiceRefusedError) as raised:
        client_of(respond).stop_campaign("c")
    assert raised.value.status == 422
    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_a_problem_document_becomes_an_error_with_its_detail() -> None:
    problem = {"title": "Invalid value", "status": 422, "detail": "trials: too many"}
    client = client_of(
        lambda _: httpx.Response(422, json=problem, headers={"Content-Type": "application/problem+json"})
    )
    with pytest.raises(ServiceRefusedError, match="trials: too many") as raised:
        client.create_campaign({})
    assert raised.value.status == 422
    assert raised.value.problem == problem


@pytest.mark.parametrize("response", [httpx.Response(200, text="<html>"), httpx.Response(502, text="bad")])
def test_another_kind_of_service_is_an_error_with_the_url(response: httpx.Response) -> None:
    with pytest.raises(ServiceRefusedError, match=r"http://127\.0\.0\.1:1/healthz"):
        client_of(lambda _: response).health()


def test_ids_are_escaped_in_the_path() -> None:
    seen: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(404, json={})

    with pytest.raises(ServiceRefusedError):
        client_of(respond).campaign("../../healthz?x=1")
    assert seen == ["/v1/campaigns/..%2F..%2Fhealthz%3Fx%3D1"]


def test_a_lost_stream_resumes_after_the_last_event() -> None:
    sent: list[str] = []

    class CutOff(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield (EVENT.format(1) + EVENT.format(2)).encode()
            raise httpx.ReadError("cut off")

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Last-Event-ID"])
        if len(sent) == 1:
            return httpx.Response(200, stream=CutOff(), headers=EVENT_STREAM)
        return httpx.Response(
            200, text=": heartbeat\n\n" + EVENT.format(3) + ": heartbeat\n\n" + END, headers=EVENT_STREAM
        )

    assert [event.sequence for event in client_of(respond).events("c")] == [1, 2, 3]
    assert sent == ["0", "2"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_service_that_is_unavailable_for_a_while_is_asked_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("api.client_connection.time.sleep", waited.append)
    responses = [httpx.Response(status, headers={"Retry-After": "5"}), httpx.Response(status), HEALTHY]
    assert client_of(lambda _: responses.pop(0)).health().status == "ok"
    stream = httpx.Response(200, text=EVENT.format(1) + END, headers=EVENT_STREAM)
    responses = [httpx.Response(status, headers={"Retry-After": "5"}), httpx.Response(status), stream]
    assert [event.sequence for event in client_of(lambda _: responses.pop(0)).events("c")] == [1]
    assert waited == [5.0, 0.0] * 2


def test_only_failures_in_succession_end_a_stream() -> None:
    def empty() -> httpx.Response:
        return httpx.Response(200, text=": heartbeat\n\n", headers=EVENT_STREAM)

    unavailable = [httpx.Response(503) for _ in range(3)]
    responses = [empty(), empty(), empty(), *unavailable, empty(), *unavailable]
    responses.append(httpx.Response(200, text=EVENT.format(1) + END, headers=EVENT_STREAM))
    assert [event.sequence for event in client_of(lambda _: responses.pop(0)).events("c")] == [1]
    always = client_of(lambda _: httpx.Response(503, json={}))
    with pytest.raises(ServiceRefusedError) as raised:
        list(always.events("c"))
    assert raised.value.status == 503


@pytest.mark.parametrize("status", [200, 302])
def test_a_page_instead_of_a_stream_is_an_error(status: int) -> None:
    page = httpx.Response(status, html="<h1>Log in</h1>")
    with pytest.raises(ServiceRefusedError, match="event"):
        list(client_of(lambda _: page).events("c"))


def test_a_deletion_that_is_sent_again_may_have_been_executed() -> None:
    missing = httpx.Response(404, json={"detail": "there is no campaign 'c'"})
    responses = [httpx.Response(504), missing]
    client_of(lambda _: responses.pop(0)).delete_campaign("c")
    assert not responses
    with pytest.raises(ServiceRefusedError):
        client_of(lambda _: missing).delete_campaign("c")


def test_a_stream_that_cannot_be_resumed_is_an_error() -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ServiceUnreachableError):
        list(client_of(respond).events("c"))


def test_the_file_name_of_an_export_has_no_directory() -> None:
    headers = {"Content-Disposition": 'attachment; filename="../../evil.json"'}
    name, content = client_of(lambda _: httpx.Response(200, text="{}", headers=headers)).export("c", "json")
    assert (name, content) == ("evil.json", b"{}")


def test_a_figure_that_is_being_computed_is_asked_for_again() -> None:
    pending = {"detail": "Replaying the search: 1 of 2 rewards", "done": 1, "of": 2}
    responses = [httpx.Response(202, json=pending, headers={"Retry-After": "0"}), httpx.Response(200, json={"of": 2})]
    assert client_of(lambda _: responses.pop(0)).figure("c", "entropy") == {"of": 2}


def test_a_figure_that_is_computed_for_too_long_is_given_up_with_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_connection, "PENDING_SECONDS", 0.0)
    pending = {"detail": "Replaying the search: 1 of 2 rewards", "done": 1, "of": 2}
    endless = client_of(lambda _: httpx.Response(202, json=pending, headers={"Retry-After": "0"}))
    with pytest.raises(EffspineError, match=r"still computes this .*Replaying the search: 1 of 2 rewards.*ask again"):
        endless.figure("c", "entropy")
