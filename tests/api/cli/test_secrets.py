"""A planted password appears in no output, no log and no command line, in whatever form somebody wrote it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from api.cli.child_service import ChildService
from api.client import Client, ServiceRefusedError, ServiceUnreachableError
from api.logs import log_to_stderr
from api.settings import Settings
from nas_controller.store import Store, StoreUnavailableError
from nas_controller.store.database import Database
from nas_controller.supervision import cluster_node
from search_space.errors import EffspineError
from tests.support import process_table
from tests.support.command_line import CommandLine, free_port, wait_until_ready
from tests.support.postgresql import Server, server_or_skip
from tests.support.waiting import wait_for

SECRET = "plum-7f3a"
URLS = [
    f"postgresql://user:{SECRET}@127.0.0.1:1/none",
    f"postgresql://user:x%40{SECRET}@127.0.0.1:1/none",
    f"postgresql://user:x@{SECRET}:y/z@127.0.0.1:1/none",
    f"postgresql://user:x@{SECRET}@127.0.0.1:1/none",
    f"postgresql://127.0.0.1:1/none?user=u&password={SECRET}",
    f"postgresql://127.0.0.1:1/none?sslpassword={SECRET}",
    f"postgresql://user:{SECRET}@127.0.0.1:port/none",
    f"mysql://user:{SECRET}@127.0.0.1/none",
    f"postgresql+asyncpg://user:{SECRET}@127.0.0.1/none",
    f"user:{SECRET}@127.0.0.1/none",
]
COMMANDS = [
    ("keys", "list"),
    ("keys", "create", "--name", "a", "--scope", "view"),
    ("keys", "revoke", "k0"),
    ("campaign", "verify", "c_1"),
    ("bench", "fill", "--campaigns", "10", "--trials", "1000", "--largest", "100"),
    ("serve", "--port", "{port}"),
    ("api", "--port", "{port}"),
    ("supervisor",),
]
SPECIFICATION = {"name": "x", "trials": 2, "proxy_task": {"profile": "synthetic", "seconds": 0.2}}


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """Restores the logging configuration after the test."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.mark.parametrize("by", ["option", "environment"])
@pytest.mark.parametrize("debug", ["", "1"], ids=["", "debug"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_no_command_shows_the_password_of_the_database(
    effspine: CommandLine, port: int, command: tuple[str, ...], debug: str, by: str
) -> None:
    effspine.environment["EFFSPINE_DEBUG"] = debug
    for url in URLS:
        arguments = [each.format(port=port) for each in command]
        if by == "option":
            arguments += ["--database-url", url]
        else:
            effspine.environment["EFFSPINE_DATABASE_URL"] = url
        done = effspine(*arguments)
        assert done.status == 2, (url, done.err)
        assert SECRET not in done.out + done.err, url
        assert done.err.rstrip().splitlines()[-1].startswith("error: "), url
        assert "127.0.0.1" in done.err


def test_a_url_in_the_wrong_place_of_a_command_line_is_shown_without_its_password(effspine: CommandLine) -> None:
    for arguments in (("keys", "list", URLS[0]), ("campaign", "show", "c", URLS[0]), (URLS[0],)):
        done = effspine(*arguments)
        assert done.status == 2
        assert "user:***@127.0.0.1" in done.err
        assert SECRET not in done.out + done.err


@pytest.mark.parametrize("user", [SECRET, f"user:{SECRET}", f"user:x@{SECRET}", f"user:x%40{SECRET}"])
def test_no_command_shows_the_user_of_the_service(effspine: CommandLine, port: int, user: str, tmp_path: Path) -> None:
    specification = tmp_path / "x.yaml"
    specification.write_text("name: x\n")
    for place in (f"127.0.0.1:{port}", "127.0.0.1:99999", "[::1", ""):
        effspine.environment["EFFSPINE_URL"] = f"http://{user}@{place}"
        for arguments in (("list",), ("create", "-f", str(specification)), ("watch", "c")):
            done = effspine("campaign", *arguments)
            assert done.status == 2
            assert len(done.err.splitlines()) == 1
            assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"unknown": 1}),
        httpx.Response(502, text="bad"),
        httpx.Response(401, text="{", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(302, headers={"Location": "http://127.0.0.1/else"}),
    ],
)
def test_errors_of_the_client_have_no_user(response: httpx.Response) -> None:
    client = Client(f"http://user:{SECRET}@127.0.0.1:1", transport=httpx.MockTransport(lambda _: response))
    assert client.url == "http://***@127.0.0.1:1"
    with pytest.raises((ServiceRefusedError, ServiceUnreachableError)) as caught:
        client.campaign("c")
    assert "***@127.0.0.1" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("url", URLS)
def test_no_log_line_shows_a_password(capsys: pytest.CaptureFixture[str], log_format: str, url: str) -> None:
    log_to_stderr("json" if log_format == "json" else "text")
    try:
        raise RuntimeError(f"cannot open '{url}'")
    except RuntimeError:
        logging.getLogger("x").exception("opening %s failed", url)
    found = capsys.readouterr().err
    if "://" in url:
        assert "***" in found
        assert SECRET not in found
    if log_format == "json":
        assert json.loads(found)["level"] == "ERROR"


def test_settings_show_no_password() -> None:
    for url in URLS:
        assert SECRET not in repr(Settings(database_url=url))
        assert Settings(database_url=url).database_url == url


def test_a_response_about_the_database_shows_no_password(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr("text")
    database = Database(URLS[0])

    def away(*_: object, **__: object) -> None:
        with database.reading() as session:
            session.connection()

    monkeypatch.setattr(store.reads, "list_campaigns", away)
    response = service.get("/v1/campaigns", params={"limit": 3})
    assert response.status_code == 503
    found = capsys.readouterr().err
    assert "postgresql://user:***@127.0.0.1:1/none" in found
    assert SECRET not in response.text + found
    database.close()


def command_lines(pids: set[int]) -> bytes:
    found = b""
    for pid in pids:
        with suppress(OSError):
            found += Path(f"/proc/{pid}/cmdline").read_bytes() + b"\n"
    return found


def test_the_service_of_the_demo_gets_the_url_in_its_environment(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", port=free_port(), database_url=URLS[0])
    with ChildService(settings) as service:
        assert service._process is not None
        pid = service._process.pid
        wait_for(lambda: b"serve" in command_lines({pid}), "the command line")
        line = command_lines({pid})
        assert SECRET.encode() not in line
        assert SECRET.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        service._process.wait(120)
        with pytest.raises(EffspineError, match=r"user:\*\*\*@127\.0\.0\.1") as caught:
            service.check()
    assert SECRET not in str(caught.value)
    assert SECRET not in service.log_path.read_text()


def test_a_node_of_ray_does_not_get_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_DATABASE_URL", URLS[0])
    started: list[dict[str, str]] = []

    class Started:
        pid = 0

        def __init__(self, command: list[str], env: dict[str, str], **_: object) -> None:
            assert SECRET not in " ".join(command)
            started.append(env)

        def poll(self) -> None:
            return None

    monkeypatch.setattr(cluster_node.subprocess, "Popen", Started)
    cluster_node.ClusterNode("127.0.0.1:6379", tmp_path / "log").ensure_running()
    (environment,) = started
    assert environment["PATH"] == os.environ["PATH"]
    assert SECRET not in str(environment)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server, which accepts any password."""
    yield from server_or_skip()


def test_no_process_of_a_campaign_and_no_file_shows_the_password(
    effspine: CommandLine, port: int, tmp_path: Path, postgresql: Server
) -> None:
    """A service with a runner and its workers, on PostgreSQL with a password."""
    with postgresql.fresh_database() as url, (tmp_path / "service.log").open("wb") as log:
        url = make_url(url).set(password=SECRET).render_as_string(hide_password=False)
        environment = effspine.environment | {"EFFSPINE_DATABASE_URL": url}
        command = [sys.executable, "-m", "api.cli.main", "serve", "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, text=True)
        seen = b""
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process)
            client = Client(f"http://127.0.0.1:{port}")
            campaign = client.create_campaign(SPECIFICATION)
            deadline = time.monotonic() + 120
            while client.campaign(campaign.id).state not in ("completed", "failed"):
                seen += command_lines({process.pid, *process_table.descendant_pids(process.pid)})
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert client.campaign(campaign.id).state == "completed"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)
    assert b"nas_controller.supervision.runner" in seen
    assert b"ray::" in seen
    assert SECRET.encode() not in seen
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert SECRET.encode() not in file.read_bytes(), file


def test_the_database_away_is_one_line_without_the_password() -> None:
    with pytest.raises(StoreUnavailableError, match=r"postgresql://user:\*\*\*@127\.0\.0\.1:1/none") as caught:
        Store.open(URLS[0])
    assert SECRET not in "".join(traceback.format_exception(caught.value))
