"""However the demo ends, its service and its runner end too; a service of another keeps running."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from api.cli import demo
from api.cli.child_service import ChildService
from api.client import Client
from api.settings import Settings
from nas_controller.store import Store
from tests.support import process_table
from tests.support.command_line import CommandLine, free_port
from tests.support.recorder import Recorder
from tests.support.waiting import wait_for

START_SECONDS = 60
END_SECONDS = 20
RUNNER = "nas_controller.supervision.runner"


@pytest.fixture
def arguments(effspine: CommandLine, tmp_path: Path) -> list[str]:
    """A demo whose data set is there already; its campaign gets as far as the start of a runner."""
    (tmp_path / "data" / "datasets" / demo.DATASET).mkdir(parents=True)
    return [sys.executable, "-m", "api.cli.main", "demo", "--port", str(free_port())]


def below(pid: int, *commands: str) -> set[int]:
    """The processes below one, once there are some with these words in their command lines; empty before."""
    found = process_table.descendants(pid)
    is_complete = all(any(each in process.command for process in found) for each in commands)
    return {process.pid for process in found} if is_complete else set()


@contextmanager
def ended(processes: set[int]) -> Iterator[None]:
    """Kills what is left of the processes when the block ends."""
    try:
        yield
    finally:
        process_table.kill(*processes & process_table.alive(processes))


def test_kill_9_of_the_demo_ends_its_service_and_its_runner(effspine: CommandLine, arguments: list[str]) -> None:
    process = subprocess.Popen(arguments, env=effspine.environment, stdout=subprocess.DEVNULL)
    started = wait_for(lambda: below(process.pid, "serve", RUNNER), "the runner")
    with ended(started):
        process.kill()
        process.wait()
        wait_for(lambda: not process_table.alive(started), "the end of service and runner")


def test_closing_the_terminal_ends_the_demo_and_all_below_it(effspine: CommandLine, arguments: list[str]) -> None:
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        arguments,
        env=effspine.environment,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(inner)
    started = wait_for(lambda: below(process.pid, "serve", RUNNER), "the runner")
    with ended(started | {process.pid}):
        os.close(terminal)
        process.wait(END_SECONDS)
        wait_for(lambda: not process_table.alive(started), "the end of service and runner")


def test_kill_9_of_make_ends_the_demo_before_its_service_is_ready(effspine: CommandLine, arguments: list[str]) -> None:
    shell = ["sh", "-c", '"$@" & wait', "make", *arguments, "--with-parent"]
    process = subprocess.Popen(shell, env=effspine.environment, stdout=subprocess.DEVNULL)
    started = wait_for(lambda: below(process.pid, "serve"), "the service")
    assert len(started) == 2  # the demo and the service
    with ended(started):
        process.kill()
        process.wait()
        wait_for(lambda: not process_table.alive(started), "the end of demo and service")


def test_the_recipe_of_make_demo_ends_the_demo_with_make() -> None:
    recipe = (Path(__file__).parents[3] / "Makefile").read_text(encoding="utf-8")
    assert "@exec $(BIN)/effspine demo --with-parent $(ARGS)" in recipe


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes a function of the demo raise KeyboardInterrupt; restores the handlers of signals afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def at(name: str) -> None:
        def raise_interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(demo, name, raise_interrupt)

    yield at
    for number, handler in before.items():
        signal.signal(number, handler)


def test_ctrl_c_in_a_service_of_another_does_not_claim_to_have_stopped_the_campaign(
    effspine: CommandLine, served: Store, port: int, tmp_path: Path, interrupted: Callable[[str], None]
) -> None:
    (tmp_path / "data" / "datasets" / demo.DATASET).mkdir(parents=True)
    campaign = Recorder(served, trials=4, name=demo.NAME, seed=1)
    interrupted("watch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "begin", lambda client, *_: client.campaign(campaign.id))
        done = effspine("demo", "--port", str(port))
    assert done.status == 130
    assert "using a running service, which this command does not stop" in done.out
    assert f"the campaign continues at http://127.0.0.1:{port}/campaigns/{campaign.id}" in done.err
    assert f"campaign stop {campaign.id}" in done.err
    assert not done.err.strip().startswith("stopped;")
    assert campaign.record.state == "pending"
    with Client(f"http://127.0.0.1:{port}") as client:
        assert client.health().status == "ok"


def test_ctrl_c_before_there_is_a_campaign_says_what_keeps_running(
    effspine: CommandLine, served: Store, port: int, tmp_path: Path, interrupted: Callable[[str], None]
) -> None:
    (tmp_path / "data" / "datasets" / demo.DATASET).mkdir(parents=True)
    interrupted("begin")
    done = effspine("demo", "--port", str(port))
    assert done.status == 130
    assert (
        done.err.strip()
        == f"stopped before a campaign was created; the service at http://127.0.0.1:{port} keeps running"
    )
    assert served.reads.list_campaigns().items == ()


def test_ctrl_c_in_a_service_of_its_own_says_that_it_is_stopped(tmp_path: Path) -> None:
    service = ChildService(Settings(data_dir=tmp_path, port=free_port()))
    assert demo.interruption_message(service, None).startswith("stopped; finished trials are saved")


def test_a_service_ends_when_its_standard_input_closes(effspine: CommandLine) -> None:
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", str(free_port()), "--watch-stdin"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=effspine.environment
    )
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "serving" in line:
                break
        process.stdin.close()
        assert process.wait(END_SECONDS) == 0
        assert "stopped" in process.stderr.read()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stderr.close()
