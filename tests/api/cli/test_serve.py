"""The real service as a process: a whole campaign over HTTP with Ray and SQLite, and refusals to start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from api.cli.serve import CampaignsAtOnce
from nas_controller.supervision.supervisor import CAMPAIGNS_AT_ONCE
from tests.support.command_line import CommandLine, wait_until_ready

SPECIFICATION = "name: whole\ntrials: 6\nseed: 3\nproxy_task: {profile: synthetic, seconds: 0.1}\n"


def test_a_campaign_completes_and_its_replay_is_exact(effspine: CommandLine, port: int, tmp_path: Path) -> None:
    """Serve, create, watch, export and verify, with the commands of a user, in a directory that URLs have to escape."""
    effspine.environment["EFFSPINE_DATA_DIR"] = str(tmp_path / "what? 100%41 [x] #Ä")
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", str(port)]
    with (tmp_path / "service.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=effspine.environment, text=True)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process)
            created = effspine("campaign", "create", "-f", "-", "--json", stdin=SPECIFICATION).document
            ended = effspine("campaign", "watch", created["id"], "--json").document
            assert ended["state"] == "completed", ended["error"]
            assert ended["trials_finished"] == 6
            best = effspine("campaign", "best", created["id"], "--json").document
            assert best["items"][0]["reward"] == ended["best_reward"] >= best["baseline"]["reward"]
            exported = effspine("campaign", "export", created["id"], "--out", str(tmp_path), "--json").document
            assert Path(exported["path"]).stat().st_size == exported["bytes"]
            assert effspine("campaign", "verify", created["id"], "--json").document["exact"] is True
            events = httpx.head(f"http://127.0.0.1:{port}/v1/campaigns/{created['id']}/events", timeout=60)
            assert (events.status_code, events.content) == (200, b"")
            svg = f"http://127.0.0.1:{port}/v1/campaigns/{created['id']}/exports/svg"
            assert httpx.head(svg).headers["content-length"] == httpx.get(svg).headers["content-length"]
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(120)
    assert status == 0
    assert (tmp_path / "what? 100%41 [x] #Ä" / "effspine.db").is_file()
    text = (tmp_path / "service.log").read_text()
    assert f"serving http://127.0.0.1:{port}" in text
    assert "Traceback" not in text


def test_the_help_names_the_default_of_the_settings() -> None:
    (option,) = CampaignsAtOnce.__metadata__  # type: ignore[attr-defined]
    assert option.show_default == str(CAMPAIGNS_AT_ONCE)


def test_a_used_port_is_one_line_and_nothing_is_started(effspine: CommandLine, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in "serve", "api":
            result = effspine.run_in_new_process(command, "--port", str(port))
            assert result.status == 2
            assert result.err.startswith(f"error: port {port} on 127.0.0.1 is taken")
            assert len(result.err.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_service_that_others_can_reach_needs_a_key_to_start(effspine: CommandLine, port: int) -> None:
    for command, arguments, variables in (
        ("serve", ("--host", "0.0.0.0"), {}),
        ("api", (), {"EFFSPINE_ALLOWED_HOSTS": "search.example.org"}),
    ):
        result = effspine.run_in_new_process(command, "--port", str(port), *arguments, **variables)
        assert result.status == 2, result.err
        (line,) = [line for line in result.err.splitlines() if line.startswith("error: ")]
        assert "effspine keys create" in line
    key = effspine("keys", "create", "--name", "ops", "--scope", "view").out.strip()
    command = [sys.executable, "-m", "api.cli.main", "api", "--host", "0.0.0.0", "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=effspine.environment, text=True)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        assert httpx.get(f"http://127.0.0.1:{port}/v1/campaigns").status_code == 401
        with suppress(httpx.TransportError):  # the service may close the connection before the response is read
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", headers={"X-Long": "x" * 2**17}).status_code == 400
        assert "EFFSPINE_API_KEY" in effspine("campaign", "list").err
        effspine.environment["EFFSPINE_API_KEY"] = key
        assert effspine("campaign", "list", "--json").document == []
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0
    assert key.rpartition("_")[2] not in log


def test_a_shutdown_completes_open_streams_and_logs_no_error(effspine: CommandLine, port: int, tmp_path: Path) -> None:
    """A page that follows a campaign has its stream open until the service ends."""
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "service.log").open("w") as log:
        command = [sys.executable, "-m", "api.cli.main", "api", "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=effspine.environment, text=True)
        try:
            wait_until_ready(url, process)
            specification = {"name": "waits", "proxy_task": {"profile": "synthetic"}}
            campaign = httpx.post(f"{url}/v1/campaigns", json=specification, timeout=120).json()
            with httpx.stream("GET", f"{url}/v1/campaigns/{campaign['id']}/events", timeout=120) as stream:
                lines = stream.iter_lines()
                assert next(lines) == "id: 1"
                process.send_signal(signal.SIGTERM)
                assert "event: end" not in list(lines)  # raises if the response is not complete
        finally:
            process.terminate()
            status = process.wait(120)
    assert status == 0
    text = (tmp_path / "service.log").read_text()
    assert "stopped" in text
    assert "ERROR" not in text
