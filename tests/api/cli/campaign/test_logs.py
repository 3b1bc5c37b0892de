"""`effspine campaign logs`: the ends of the logs of attempts, of the shared training and of one trial."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from api.cli.campaign.logs import _of_failed_trials
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder


@pytest.fixture
def troubled(served: Store) -> Recorder:
    """A campaign whose trials 1 and 2 have failed attempts, and whose shared training has failed."""
    recorder = Recorder(served, trials=6).run(1)
    lease = recorder.campaign._lease
    served.runner.start_shared_training(lease, 6000, 1.0)
    served.runner.fail_shared_training(lease, "first\nthe worker died", "worker-killed", "shared: the end")
    for number in (1, 2):
        recorder.fail(recorder.begin(), "out of memory", "out-of-memory", f"log of trial {number}\nKilled")
    return recorder


def test_the_logs_of_a_campaign_are_those_of_its_failures(effspine: CommandLine, troubled: Recorder) -> None:
    shown = effspine("campaign", "logs", troubled.id)
    assert shown.status == 0
    assert shown.out.splitlines()[:2] == [
        "== shared weights, attempt 1: failed (Worker process died): the worker died",
        "shared: the end",
    ]
    assert "== trial 1, attempt 1: failed (Out of memory): out of memory\nlog of trial 1\nKilled\n" in shown.out
    assert shown.out.index("log of trial 1") < shown.out.index("log of trial 2")
    newest = effspine("campaign", "logs", troubled.id, "--tail", "1").out
    assert "log of trial 1" not in newest
    assert "log of trial 2" in newest
    documents = effspine("campaign", "logs", troubled.id, "--json").document
    assert [(each["what"], each["attempt"], each["log_tail"]) for each in documents][:2] == [
        ("shared weights", 1, "shared: the end"),
        ("trial 1", 1, "log of trial 1\nKilled"),
    ]


def test_the_logs_of_a_trial_are_those_of_its_attempts(effspine: CommandLine, troubled: Recorder) -> None:
    shown = effspine("campaign", "logs", troubled.id, "1")
    assert "log of trial 1\nKilled" in shown.out
    assert "trial 2" not in shown.out
    assert effspine("campaign", "logs", troubled.id, "1", "--attempt", "1", "--json").document[0]["attempt"] == 1
    kept = effspine("campaign", "logs", troubled.id, "0")
    assert kept.out == "== trial 0, attempt 1: accepted\n(no log was kept)\n"


def test_what_there_is_not_is_said(effspine: CommandLine, troubled: Recorder, served: Store) -> None:
    refused = effspine("campaign", "logs", troubled.id, "1", "--attempt", "9")
    assert refused.status == 2
    assert "trial 1 has no attempt 9; its attempts are: 1" in refused.err
    assert "give the number of the trial" in effspine("campaign", "logs", troubled.id, "--attempt", "1").err
    assert effspine("campaign", "logs", troubled.id, "99").status == 2
    quiet = effspine("campaign", "logs", Recorder(served, name="quiet").id)
    assert (quiet.status, quiet.out) == (0, "")
    assert "no attempt has failed" in quiet.err


def test_following_prints_a_log_as_it_comes_and_ends_with_the_campaign(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=2, retries=0, max_consecutive_failures=5).run(1)

    def go_on() -> None:
        time.sleep(0.5)
        recorder.fail(recorder.begin(), "out of memory", "out-of-memory", "a later log")

    worker = threading.Thread(target=go_on)
    worker.start()
    shown = effspine("campaign", "logs", recorder.id, "--follow")
    worker.join()
    assert shown.status == 0
    assert shown.out.count("a later log") == 1


def test_trials_older_than_those_that_are_shown_are_not_read() -> None:
    read: list[int] = []

    def listed(*_: object, **__: object) -> Iterator[SimpleNamespace]:
        for number in reversed(range(100)):
            read.append(number)
            yield SimpleNamespace(number=number, attempts=1, state="failed", error="no memory")

    attempt = SimpleNamespace(
        number=1, state="failed", error="no memory", error_kind="out-of-memory", log_tail="Killed"
    )
    client: Any = SimpleNamespace(trials=listed, trial=lambda *_: SimpleNamespace(attempts_made=[attempt]))
    assert [each["trial"] for each in _of_failed_trials(client, "c_0", 2)] == [98, 99]
    assert read == [99, 98]
