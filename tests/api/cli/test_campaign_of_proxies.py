"""The whole system: real images, real training, Ray, SQLite and HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command_line import CommandLine, free_port, wait_until_ready

TRIALS = 3


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A running service with a small digits data set, and one with a damaged image."""
    data_dir, port = tmp_path_factory.mktemp("data"), free_port()
    with pytest.MonkeyPatch.context() as monkeypatch:
        effspine = CommandLine.on_port(port, data_dir, monkeypatch)
        for name in ("digits", "damaged"):
            directory = str(data_dir / "datasets" / name)
            result = effspine("data", "make-digits", directory, "--train", "48", "--val", "16", "--json")
            assert result.document["created"]
        image = sorted((data_dir / "datasets" / "damaged" / "train").glob("*.jpg"))[0]
        image.write_bytes(image.read_bytes()[:400])
        command = [sys.executable, "-m", "api.cli.main", "serve", "--port", str(port)]
        with (data_dir / "service.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=effspine.environment, text=True)
            try:
                wait_until_ready(f"http://127.0.0.1:{port}", process)
                yield effspine
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(120)


@pytest.fixture(scope="module")
def completed(running: CommandLine) -> Any:
    """A completed campaign."""
    campaign = _campaign(running, "digits")
    assert campaign["state"] == "completed", campaign["error"]
    return campaign


SHARED = {"kind": "shared", "shared_steps": 20, "steps": 0, "warmup_steps": 0, "recalibration_images": 16}


def _campaign(effspine: CommandLine, dataset: str, task: dict[str, Any] | None = None) -> Any:
    """The final document of a campaign with profile smoke."""
    specification = {
        "name": "proxies",
        "dataset": dataset,
        "trials": TRIALS,
        "seed": 5,
        "proxy_task": {"profile": "smoke", **(task or {"steps": 8})},
    }
    created = effspine("campaign", "create", "-f", "-", "--json", stdin=json.dumps(specification)).document
    return effspine("campaign", "watch", created["id"], "--json").document


def _trials(effspine: CommandLine, campaign: Any) -> list[Any]:
    return list(effspine("campaign", "trials", campaign["id"], "--json").document)


def _results(effspine: CommandLine, campaign: Any) -> list[tuple[Any, ...]]:
    return [(trial["number"], trial["widths"], trial["reward"]) for trial in _trials(effspine, campaign)]


@pytest.mark.slow
def test_a_campaign_trains_proxies_through_the_service(running: CommandLine, completed: Any) -> None:
    trials = _trials(running, completed)
    assert len(trials) == TRIALS
    for trial in trials:
        assert abs(trial["madds_ratio"] - 1) <= 0.01
        assert trial["metrics"]["ap"] == trial["reward"]
    assert running("campaign", "verify", completed["id"], "--json").document["exact"] is True


@pytest.fixture(scope="module")
def shared(running: CommandLine) -> Any:
    """A completed campaign that scores slices of shared weights."""
    campaign = _campaign(running, "digits", SHARED)
    assert campaign["state"] == "completed", campaign["error"]
    return campaign


def test_a_campaign_trains_shared_weights_and_scores_their_slices(running: CommandLine, shared: Any) -> None:
    training = shared["shared_training"]
    assert (training["state"], training["step"], training["is_reused"]) == ("completed", 20, False)
    assert shared["data"]["train"]["images"] == 48
    for trial in _trials(running, shared):
        assert trial["metrics"]["ap"] == trial["reward"]
        assert trial["metrics"]["steps"] == 0
    assert running("campaign", "verify", shared["id"], "--json").document["exact"] is True
    shown = running("campaign", "show", shared["id"]).out
    assert f"sha256 {training['weights_sha256']}" in shown


@pytest.mark.slow
def test_another_campaign_reuses_the_shared_weights_with_the_same_rewards(running: CommandLine, shared: Any) -> None:
    again = _campaign(running, "digits", SHARED)
    training = again["shared_training"]
    assert (again["state"], training["is_reused"]) == ("completed", True)
    assert training["weights_sha256"] == shared["shared_training"]["weights_sha256"]
    assert _results(running, again) == _results(running, shared)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_architectures_and_rewards_bit_for_bit(
    running: CommandLine, completed: Any
) -> None:
    again = _campaign(running, "digits")
    assert again["state"] == "completed", again["error"]
    assert _results(running, again) == _results(running, completed)


@pytest.mark.slow
def test_a_damaged_image_fails_the_campaign_and_is_named(running: CommandLine) -> None:
    failed = _campaign(running, "damaged")
    assert failed["state"] == "failed"
    assert "cannot read the image" in failed["error"]
    assert "damaged/train/" in failed["error"]
