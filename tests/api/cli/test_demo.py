"""The demo: resumed campaigns, a used port, and the data set created once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer

from api.cli import demo
from api.cli.child_service import ChildService
from api.cli.demo import NAME, begin, specification
from api.client import Client
from api.settings import Settings
from nas_controller.store import Store
from search_space.errors import EffspineError
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder

WANTED = {**specification(4, 1, "synthetic"), "dataset": None}


@pytest.fixture
def client(served: Store, port: int) -> Iterator[Client]:
    """A client of the service."""
    with Client(f"http://127.0.0.1:{port}") as client:
        yield client


def recorded(store: Store, **changes: object) -> Recorder:
    """An unfinished campaign of the demo."""
    return Recorder(store, **{"trials": 4, "name": NAME, "seed": 1, **changes})  # type: ignore[arg-type]


def test_without_an_unfinished_demo_a_campaign_is_created(client: Client, served: Store) -> None:
    campaign = begin(client, WANTED, fresh=False)
    assert campaign.state == "pending"
    assert [item.id for item in served.reads.list_campaigns().items] == [campaign.id]


def test_an_unfinished_demo_with_the_same_specification_is_resumed(client: Client, served: Store) -> None:
    unfinished = recorded(served).run(2)
    assert begin(client, WANTED, fresh=False).id == unfinished.id


def test_a_finished_demo_is_followed_by_a_new_one(client: Client, served: Store) -> None:
    finished = recorded(served).run(4)
    assert begin(client, WANTED, fresh=False).id != finished.id


@pytest.mark.parametrize("changes", [{"trials": 5}, {"seed": 2}])
def test_an_unfinished_demo_with_another_specification_is_stopped(
    client: Client, served: Store, changes: dict[str, int]
) -> None:
    other = recorded(served, **changes)
    campaign = begin(client, WANTED, fresh=False)
    assert campaign.id != other.id
    assert other.record.state == "stopped"


def test_fresh_stops_the_unfinished_demo_but_no_other_campaign(client: Client, served: Store) -> None:
    unfinished, other = recorded(served), recorded(served, name="other")
    assert begin(client, WANTED, fresh=True).id != unfinished.id
    assert unfinished.record.state == "stopped"
    assert other.record.state == "pending"


def test_a_running_service_with_the_same_data_directory_is_used_and_left_running(
    client: Client, tmp_path: Path, port: int
) -> None:
    with ChildService(Settings(data_dir=tmp_path / "data", port=port)) as service:
        assert not service.is_child
        service.wait_until_ready(client)
    assert client.health().status == "ok"


def test_a_running_service_with_another_data_directory_is_rejected(client: Client, tmp_path: Path, port: int) -> None:
    service = ChildService(Settings(data_dir=tmp_path / "other", port=port))
    with pytest.raises(EffspineError, match=f"port {port} .* with data directory .*data.*other.*--port"), service:
        pass


def test_the_port_option_overrides_the_environment(effspine: CommandLine) -> None:
    with HTTPServer(("127.0.0.1", 0), _OtherService) as other_server:
        threading.Thread(target=other_server.serve_forever, daemon=True).start()
        effspine.environment["EFFSPINE_PORT"] = str(other_server.server_port)
        assert f"port {other_server.server_port} on 127.0.0.1 is taken" in effspine("demo").err
        effspine.environment["EFFSPINE_PORT"] = "many"
        assert "EFFSPINE_PORT is 'many'" in effspine("demo").err
        assert f"port {other_server.server_port} " in effspine("demo", "--port", str(other_server.server_port)).err
        other_server.shutdown()


def test_a_nearly_full_disk_is_one_line_and_nothing_is_started(
    effspine: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "NEEDED_MIB", 10**12)
    result = effspine("demo")
    assert result.status == 2
    assert re.fullmatch(
        rf"error: the disk of {tmp_path}/data has [\d.]+ MiB free and the demo needs .*EFFSPINE_DATA_DIR.*\n",
        result.err,
    )
    assert result.out == ""
    assert not (tmp_path / "data").exists()


def test_a_failure_to_make_the_data_set_is_reported_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "datasets").write_text("a file instead of a directory")
    with pytest.raises(typer.Exit) as caught:
        demo.make_dataset(Settings(data_dir=tmp_path))
    assert caught.value.exit_code == 2
    assert capfd.readouterr().err.count("error:") == 1


def test_the_end_names_the_files_of_the_best_and_says_what_it_is(
    client: Client, served: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = client.campaign(recorded(served).run(4).id)
    demo._report(client, ended, Settings(data_dir=tmp_path, port=1), 0.0, service_keeps_running=True)
    best, printed = client.best(ended.id), capsys.readouterr().out
    stem = tmp_path / "demo" / ended.id / f"demo-trial-{best.items[0].number}"
    assert f"{best.sentence}\nspecification of trial {best.items[0].number}: {stem}.json" in printed
    assert best.sentence == "No trial has a higher reward than the uniform baseline, trial 0."
    assert f"drawing of trial 0 beside the uniform baseline, block by block: {stem}.svg" in printed
    assert "Block 18, L6" in stem.with_suffix(".svg").read_text()


class _OtherService(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_another_program_on_the_port_is_one_clear_error(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _OtherService) as other_server:
        threading.Thread(target=other_server.serve_forever, daemon=True).start()
        service = ChildService(Settings(data_dir=tmp_path / "data", port=other_server.server_port))
        with pytest.raises(EffspineError, match=f"port {other_server.server_port} .* another program.*--port"), service:
            pass
        other_server.shutdown()
