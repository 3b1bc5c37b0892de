"""A campaign on a Ray cluster, on loopback: a head, a node with processors, and the supervisor's own node without."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.execution.executor import ClusterUnavailableError, Workers
from nas_controller.execution.ray_executor import RayExecutor
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.cluster_node import ClusterNode
from nas_controller.supervision.restart_backoff import MAX_RESTARTS
from nas_controller.supervision.supervisor import Supervisor
from tests.support.ray_nodes import free_port, head_of, node_of, restarted_node, set_environment
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.waiting import wait_for


@pytest.mark.parametrize(
    "losses",
    [("head",), pytest.param(("node", "head", "the supervisor's node"), marks=pytest.mark.slow)],
    ids=["head", "each"],
)
def test_a_campaign_survives_a_lost_node_and_a_dead_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: tuple[str, ...]
) -> None:
    """All nodes end with their head, so its loss is that of the nodes too."""
    set_environment(monkeypatch)
    port = free_port()
    address, head_options = f"127.0.0.1:{port}", head_of(port)
    node_options = node_of(address, cpus=2)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    trials = 10 + 8 * len(losses)
    spec = synthetic_spec(trials=trials, parallelism=2, proxy_task={"profile": "synthetic", "seconds": 1})
    campaign_id = store.service.create_campaign(spec).id

    def finished() -> int:
        return store.reads.get_campaign(campaign_id).trials_finished

    def has_finished(count: int) -> bool:
        return finished() >= count

    supervisor = Supervisor(url, tmp_path, ray_address=address)

    def kill_own_node() -> None:
        assert supervisor._node is not None
        assert supervisor._node._process is not None
        os.killpg(supervisor._node._process.pid, signal.SIGKILL)

    with (
        restarted_node("head", tmp_path / "head.log", *head_options) as head,
        restarted_node("node", tmp_path / "node.log", *node_options) as node,
        supervising(supervisor),
    ):
        kills = {"node": node.kill_all, "head": head.kill_all, "the supervisor's node": kill_own_node}
        wait_for(partial(has_finished, 4), "rewards from the cluster")
        for lost in losses:
            kills[lost]()
            expected = finished() + 4
            wait_for(partial(has_finished, expected), f"rewards after the loss of {lost}")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
    assert verify(store, campaign_id).trials_finished == trials
    attempts = [store.reads.get_trial(campaign_id, number).attempts for number in range(trials)]
    states = [attempt.state for of_trial in attempts for attempt in of_trial]
    assert states.count("accepted") == trials
    assert len(states) > trials  # some attempts were lost and retried
    assert "joining the cluster" not in log_path(tmp_path, campaign_id).read_text()
    assert log_path(tmp_path, "ray-node").exists()
    store.close()


def test_a_head_that_does_not_respond_does_not_fail_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # restores the variable after the test, since the session sets it
    address = f"127.0.0.1:{free_port()}"
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    message = f"the head of the Ray cluster at {address} does not respond"
    executor = RayExecutor(campaign_id, address)
    with pytest.raises(ClusterUnavailableError, match=message), executor.session(Workers(1, 1)):
        pass
    with supervising(Supervisor(url, tmp_path, ray_address=address)):
        log = log_path(tmp_path, campaign_id)
        wait_for(lambda: log.exists() and "does not respond" in log.read_text(), "the runner's message")
    assert store.reads.get_campaign(campaign_id).state == "running"
    store.close()


def test_a_node_that_ends_is_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_controller.supervision.cluster_node._FIRST_BACKOFF_SECONDS", 0.0)
    node = ClusterNode(f"127.0.0.1:{free_port()}", tmp_path / "logs" / "ray-node.log")
    try:
        node.ensure_running()
        first = node._process
        assert first is not None
        first.kill()
        first.wait()
        node.ensure_running()
        node.ensure_running()
        assert node._process is not None
        assert node._process.pid != first.pid
    finally:
        node.stop()
    assert node._process is None


def test_a_machine_that_is_already_a_node_starts_none(tmp_path: Path) -> None:
    node = ClusterNode("auto", tmp_path / "ray-node.log")
    node.ensure_running()
    assert node._process is None


def test_a_runner_that_dies_while_its_node_is_new_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head may have directed it to an earlier node of this machine, which is dead."""
    monkeypatch.setattr(supervisor_module, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.05)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    dying = (sys.executable, "-c", "print('I die'); raise SystemExit(1)")
    supervisor = Supervisor(url, tmp_path, ray_address=f"127.0.0.1:{free_port()}", runner_command=dying)
    log = log_path(tmp_path, campaign_id)
    with supervising(supervisor):
        wait_for(lambda: log.exists() and log.read_text().count("I die") > MAX_RESTARTS + 2, "many runners")
    assert store.reads.get_campaign(campaign_id).state == "pending"
    store.close()
