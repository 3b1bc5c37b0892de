"""A campaign on a Ray cluster, on loopback: a head, a node with processors, and the supervisor's own node without."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nas_controller.cluster_node import ClusterNode
from nas_controller.ray_sessions import cluster
from nas_controller.replay import verify
from nas_controller.store import Store, sqlite_url
from nas_controller.supervisor import Supervisor, log_path
from nas_controller.workers import ClusterAwayError
from tests.nas_controller.supervised import supervising, wait_for
from tests.nas_controller.synthetic_campaigns import synthetic_spec

DEADLINE_SECONDS = 180
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",  # as without the setting that keeps a Ray of this machine to itself
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
}

Start = Callable[..., subprocess.Popen[bytes]]


@contextmanager
def ray_nodes(log: Path) -> Iterator[Start]:
    """Starts nodes of Ray, and ends them all."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *options]
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a node with all its processes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def test_a_lost_node_and_a_dead_head_are_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "RAY_AUTH_TOKEN": secrets.token_hex(16)}.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    address = f"127.0.0.1:{port}"
    head_options = (
        *("--head", f"--port={port}", f"--ray-client-server-port={free_port()}"),
        *("--num-cpus=0", "--include-dashboard=false", "--node-ip-address=127.0.0.1"),
    )
    node_options = (f"--address={address}", "--num-cpus=2", "--node-ip-address=127.0.0.1")
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=30, parallelism=2, proxy_task={"profile": "synthetic", "seconds": 1})
    campaign_id = store.create_campaign(spec).id

    def finished() -> int:
        return store.get_campaign(campaign_id).trials_finished

    with ray_nodes(tmp_path / "nodes.log") as start, supervising(Supervisor(url, tmp_path, ray_address=address)):
        head = start(*head_options)
        wait_for(lambda: answers(port), DEADLINE_SECONDS, "the head")
        node = start(*node_options)
        wait_for(lambda: finished() >= 4, DEADLINE_SECONDS, "rewards from the cluster")
        kill(node)
        so_far = finished()
        node = start(*node_options)
        wait_for(lambda: finished() >= so_far + 4, DEADLINE_SECONDS, "rewards after the node was lost")
        kill(head)
        kill(node)  # it would end by itself, as a node does whose head is gone
        so_far = finished()
        start(*head_options)
        wait_for(lambda: answers(port), DEADLINE_SECONDS, "the head")
        start(*node_options)
        wait_for(lambda: finished() >= so_far + 4, DEADLINE_SECONDS, "rewards after the head was lost")
        wait_for(lambda: store.get_campaign(campaign_id).state == "completed", DEADLINE_SECONDS, "the end")
    assert verify(store, campaign_id).trials_finished == 30
    attempts = [store.get_trial(campaign_id, number).attempts for number in range(30)]
    states = [attempt.state for made in attempts for attempt in made]
    assert states.count("accepted") == 30
    assert len(states) > 30  # something was lost, and made again
    assert "joining the cluster" not in log_path(tmp_path, campaign_id).read_text()
    assert log_path(tmp_path, "ray-node").exists()
    store.close()


def test_a_head_that_does_not_answer_is_no_failure_of_the_campaign(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.create_campaign(synthetic_spec()).id
    message = f"the head of the Ray cluster at {address} does not answer"
    with pytest.raises(ClusterAwayError, match=message), cluster(address, campaign_id):
        pass
    with supervising(Supervisor(url, tmp_path, ray_address=address)):
        log = log_path(tmp_path, campaign_id)
        wait_for(lambda: log.exists() and "does not answer" in log.read_text(), 60, "the runner's word")
    assert store.get_campaign(campaign_id).state == "running"
    store.close()


def test_a_node_that_ends_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_controller.cluster_node._FIRST_WAIT_SECONDS", 0.0)
    node = ClusterNode(f"127.0.0.1:{free_port()}", tmp_path / "logs" / "ray-node.log")
    try:
        node.look_after()
        first = node._process
        assert first is not None
        first.kill()
        first.wait()
        node.look_after()
        node.look_after()
        assert node._process is not None
        assert node._process.pid != first.pid
    finally:
        node.stop()
    assert node._process is None


def test_a_machine_that_is_a_node_already_starts_none(tmp_path: Path) -> None:
    node = ClusterNode("auto", tmp_path / "ray-node.log")
    node.look_after()
    assert node._process is None
