"""The whole system: real images, real training, Ray, SQLite and HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import CommandLine, wait_until_ready

TRIALS = 3


@pytest.fixture
def running(effspine: CommandLine, port: int, tmp_path: Path) -> Iterator[CommandLine]:
    """A served effspine with a small digits data set, and one whose first image is cut short."""
    datasets = tmp_path / "data" / "datasets"
    for name in ("digits", "broken"):
        made = effspine("data", "make-digits", str(datasets / name), "--train", "48", "--val", "16", "--json")
        assert made.document["created"]
    image = sorted((datasets / "broken" / "train").glob("*.jpg"))[0]
    image.write_bytes(image.read_bytes()[:400])
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", str(port)]
    with (tmp_path / "service.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=effspine.whole_environment, text=True)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process)
            yield effspine
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _campaign(effspine: CommandLine, dataset: str) -> Any:
    """A campaign of the smoke profile as it ended."""
    specification = {
        "name": "proxies",
        "dataset": dataset,
        "trials": TRIALS,
        "seed": 5,
        "proxy_task": {"profile": "smoke", "steps": 8},
    }
    created = effspine("campaign", "create", "-f", "-", "--json", stdin=json.dumps(specification)).document
    return effspine("campaign", "watch", created["id"], "--json").document


def _trials(effspine: CommandLine, campaign: Any) -> list[Any]:
    return list(effspine("campaign", "trials", campaign["id"], "--json").document)


def test_campaigns_that_train_are_repeatable_and_name_a_damaged_image(running: CommandLine) -> None:
    first, second = (_campaign(running, "digits") for _ in range(2))
    assert (first["state"], second["state"]) == ("completed", "completed"), first["error"]
    found = [
        [(trial["number"], trial["widths"], trial["reward"]) for trial in _trials(running, campaign)]
        for campaign in (first, second)
    ]
    assert len(found[0]) == TRIALS
    assert found[0] == found[1]  # the same seed: the same architectures, and bit for bit the same rewards
    for trial in _trials(running, first):
        assert abs(trial["madds_ratio"] - 1) <= 0.01
        assert trial["metrics"]["ap"] == trial["reward"]
    assert running("campaign", "verify", first["id"], "--json").document["exact"] is True

    failed = _campaign(running, "broken")
    assert failed["state"] == "failed"
    assert "cannot read the image" in failed["error"]
    assert "broken/train/" in failed["error"]
