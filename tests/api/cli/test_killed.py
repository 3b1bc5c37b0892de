"""An API killed with SIGKILL: event streams resume, and no request is executed twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.client import Client
from api.settings import DATABASE_FILE
from nas_controller.store import Store
from tests.support.command_line import CommandLine, wait_until_ready
from tests.support.databases import migrated_sqlite
from tests.support.recorder import Recorder

SHORT_HOLD = "import nas_controller.store.idempotency_keys as kept; kept.RESERVATION_SECONDS = 2.0; "
RUN = "from api.cli.main import main; main()"
DYING = (
    "import os; from nas_controller.store import {0} as module; module.{1} = lambda *_, **__: os.kill(os.getpid(), 9); "
)
TRIALS = 12


@contextmanager
def api(effspine: CommandLine, port: int, program: str = RUN) -> Iterator[subprocess.Popen[str]]:
    """An API process that is ready; killed at the end of the context."""
    command = [sys.executable, "-c", SHORT_HOLD + program, "api", "--port", str(port)]
    process = subprocess.Popen(command, env=effspine.environment, text=True, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The store of the API's database."""
    opened = Store.open(migrated_sqlite(tmp_path / "data" / DATABASE_FILE))
    yield opened
    opened.close()


@pytest.fixture
def client(effspine: CommandLine, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client that retries while the service restarts."""
    monkeypatch.delenv("EFFSPINE_API_KEY", raising=False)
    monkeypatch.setattr("api.client_connection.RETRY_WAITS_SECONDS", (0.25,) * 120)
    with Client(f"http://127.0.0.1:{port}") as opened:
        yield opened


def test_a_stream_misses_and_repeats_nothing_over_two_kills(
    effspine: CommandLine, port: int, store: Store, client: Client
) -> None:
    recorder = Recorder(store, trials=TRIALS)
    seen: list[int] = []
    reached = {4: threading.Event(), 11: threading.Event()}

    def follow() -> None:
        for event in client.events(recorder.id):
            seen.append(event.sequence)
            for count, mark in reached.items():
                if len(seen) >= count:
                    mark.set()

    follower = threading.Thread(target=follow)
    with api(effspine, port):
        follower.start()
        recorder.run(2)
        assert reached[4].wait(120)
    recorder.run(3)  # while the service is down
    with api(effspine, port):
        recorder.run(6)
        assert reached[11].wait(120)
    with api(effspine, port):
        recorder.run(TRIALS)
        follower.join(120)
    assert not follower.is_alive()
    assert seen == list(range(1, recorder.record.last_event + 1))


@pytest.mark.parametrize(
    ("module", "last_act", "campaigns"),
    [
        ("campaign_requests", "CampaignRequests.create_campaign", 0),
        ("idempotency_keys", "IdempotencyKeys.save_response", 1),
    ],
)
def test_an_interrupted_creation_is_retried_and_creates_one_campaign(
    effspine: CommandLine, port: int, store: Store, client: Client, module: str, last_act: str, campaigns: int
) -> None:
    ids: list[str] = []
    specification = {"name": "once", "proxy_task": {"profile": "synthetic"}}

    def create() -> None:
        client.health()
        ids.append(client.create_campaign(specification).id)

    caller = threading.Thread(target=create)
    with api(effspine, port, DYING.format(module, last_act) + RUN) as first:
        caller.start()
        assert first.wait(120) == -9
    assert len(store.reads.list_campaigns().items) == campaigns
    with api(effspine, port):
        caller.join(120)
    assert not caller.is_alive()
    assert [campaign.id for campaign in store.reads.list_campaigns().items] == ids
    assert len(ids) == 1
