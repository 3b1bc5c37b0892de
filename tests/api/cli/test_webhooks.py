"""`effspine webhooks` and `effspine campaign sync`: the commands against a service, and what they print."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import webhooks
from nas_controller.store import Store
from nas_controller.webhooks.delivery import Deliveries
from tests.support.command_line import CommandLine
from tests.support.synthetic_campaigns import claimed_campaign, create, run_to_the_end
from tests.support.webhook_receiver import Reply, receiving


@pytest.fixture
def run(effspine: CommandLine, served: Store) -> Any:
    """Runs a command of `effspine webhooks` against a service."""

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(webhooks.app, arguments, env=effspine.environment)

    return invoke


@contextmanager
def delivering(store: Store) -> Iterator[None]:
    """Delivers messages until the block ends."""
    stop, deliveries = threading.Event(), Deliveries(store)

    def deliver() -> None:
        while not stop.wait(0.05):
            deliveries.step()

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_webhook_is_added_tested_listed_and_removed(run: Any, served: Store) -> None:
    with receiving() as receiver, delivering(served):
        added = run("add", receiver.url, "--event", "campaign.failed")
        assert added.exit_code == 0, added.output
        assert added.stdout.startswith("whsec_")
        (webhook,) = json.loads(run("list", "--json").stdout)
        assert webhook["events"] == ["campaign.failed"]
        assert "secret" not in webhook
        tested = run("test", webhook["id"])
        assert tested.stdout.startswith("delivered in ")
        receiver.replies = [Reply(500)]
        failed = run("test", webhook["id"])
        assert failed.exit_code != 0
        assert "it responded with 500" in str(failed.exception)
        rows = json.loads(run("deliveries", webhook["id"], "--json").stdout)
        assert [row["state"] for row in rows] == ["failed", "delivered"]
        assert run("resend", webhook["id"], rows[0]["id"]).exit_code == 0
        assert "is removed" in run("remove", webhook["id"]).stdout
        assert json.loads(run("list", "--json").stdout) == []


def test_an_empty_list_names_the_service(run: Any) -> None:
    listed = run("list")
    assert listed.stdout == ""
    assert "http://127.0.0.1" in listed.output
    assert "effspine webhooks add URL" in listed.output


def test_a_test_without_a_supervisor_says_so(run: Any, served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TEST_SECONDS", 0.1)
    webhook = served.service.create_webhook("https://hooks.example.org/")
    assert "is a supervisor running" in str(run("test", webhook.id).exception)


def test_a_campaign_is_copied_to_tensorboard_and_only_what_is_new_is_added(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    campaign_id = create(served, trials=4)
    run_to_the_end(claimed_campaign(served, campaign_id))
    copied = effspine("campaign", "sync", campaign_id, "--tensorboard", str(tmp_path / "board"))
    assert f"tensorboard: 6 entries in {tmp_path / 'board'}, 6 of them new" in copied.out
    again = effspine("campaign", "sync", campaign_id, "--tensorboard", str(tmp_path / "board"), "--json")
    (result,) = again.document["sinks"]
    assert (result["sink"], result["entries"], result["added"]) == ("tensorboard", 6, 0)
    assert "give --tensorboard DIR, --mlflow URI, or both" in effspine("campaign", "sync", campaign_id).err
