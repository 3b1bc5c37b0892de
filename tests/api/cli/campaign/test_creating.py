"""Creating a campaign says what it will cost, asks where that is much, and tries without creating; deleting asks."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from api.cli.campaign.estimates import ASK_HOURS, cost_line, exceeded_limits, print_dry_run, print_estimate
from nas_controller.entities import DryRunDocument, EstimateDocument
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script

CHEAP = "name: cheap\ntrials: 4\nproxy_task: {profile: synthetic, seconds: 60}\n"
EXPENSIVE = "name: dear\ntrials: 1000\nproxy_task: {profile: synthetic, seconds: 3600}\n"


def test_the_cost_is_said(effspine: CommandLine, served: Store) -> None:
    created = effspine("campaign", "create", "-f", "-", stdin=CHEAP)
    assert created.status == 0
    cost = "it will take about 4 min 00 s and 4 min 00 s of device time"
    assert cost in created.err
    draft = effspine("campaign", "create", "-f", "-", "--draft", stdin=CHEAP)
    assert cost in draft.err
    assert "device time" not in effspine("campaign", "create", "-f", "-", "--json", stdin=CHEAP).err
    started = effspine("campaign", "start", draft.out.split()[1])
    assert (started.status, started.err) == (0, f"{cost}\n")
    again = effspine("campaign", "start", draft.out.split()[1])
    assert (again.status, again.err) == (0, "")


def test_an_expensive_campaign_is_told_as_such_and_nobody_in_a_pipe_is_asked(
    effspine: CommandLine, served: Store
) -> None:
    created = effspine("campaign", "create", "-f", "-", "--json", stdin=EXPENSIVE)
    assert created.status == 0
    assert created.document["state"] == "pending"
    assert (
        "it will take about 41 d 16 h and 41 d 16 h of device time: more than 24 hours and 24 device hours"
        in created.err
    )


@pytest.mark.parametrize(("answer", "count"), [("n", 0), ("y", 1)])
def test_a_terminal_is_asked_before_an_expensive_campaign(
    effspine: CommandLine, served: Store, tmp_path: Any, answer: str, count: int
) -> None:
    (tmp_path / "dear.yaml").write_text(EXPENSIVE)
    status, text = on_a_terminal(effspine, answer, "campaign", "create", "-f", str(tmp_path / "dear.yaml"))
    assert "Create it? [y/N]" in text
    assert len(served.reads.list_campaigns().items) == count
    assert status == (0 if count else 2)


@pytest.mark.parametrize(("answer", "state"), [("n", "draft"), ("y", "pending")])
def test_a_terminal_is_asked_before_an_expensive_draft_is_started_and_not_before_it_is_created(
    effspine: CommandLine, served: Store, tmp_path: Any, answer: str, state: str
) -> None:
    (tmp_path / "dear.yaml").write_text(EXPENSIVE)
    status, text = on_a_terminal(effspine, "", "campaign", "create", "-f", str(tmp_path / "dear.yaml"), "--draft")
    assert (status, "Create it?" in text, "more than 24 hours" in text) == (0, False, True)
    (draft,) = served.reads.list_campaigns().items
    status, text = on_a_terminal(effspine, answer, "campaign", "start", draft.id)
    assert "Start it? [y/N]" in text
    assert (status == 0, served.reads.get_campaign(draft.id).state) == (answer == "y", state)


def test_yes_does_not_ask(effspine: CommandLine, served: Store, tmp_path: Any) -> None:
    (tmp_path / "dear.yaml").write_text(EXPENSIVE)
    status, text = on_a_terminal(effspine, "", "campaign", "create", "-f", str(tmp_path / "dear.yaml"), "--yes")
    assert "Create it?" not in text
    assert (status, len(served.reads.list_campaigns().items)) == (0, 1)


def estimate_of(**changes: Any) -> EstimateDocument:
    fields: dict[str, Any] = {
        "trials": 10, "parallelism": 2, "basis": "same-task", "measured_trials": 5, "seconds_per_trial": 60.0,
        "wall_seconds": 300.0, "device_hours": 1 / 6, "bounded_by": None,
        "shared_training": None, "finals": None,
    }  # fmt: skip
    return EstimateDocument.model_validate(fields | changes)


def test_the_cost_counts_the_finals_and_says_what_is_not_known() -> None:
    finals = {
        "trainings": 8, "basis": "same-task", "measured_trainings": 2, "seconds_per_training": 1.0,
        "wall_seconds": 3600.0, "device_hours": 24.0,
    }  # fmt: skip
    assert cost_line(estimate_of(finals=finals)) == "it will take about 1 h 05 min and 1 d 0 h of device time"
    unknown = finals | {"basis": "nothing", "wall_seconds": None, "device_hours": None}
    assert cost_line(estimate_of(finals=unknown)).endswith("10 min 00 s of device time, its finals not counted")
    assert "not known yet" in cost_line(estimate_of(wall_seconds=None, device_hours=None))
    assert exceeded_limits(estimate_of(finals=finals)) == "24 device hours"
    assert not exceeded_limits(estimate_of())
    assert exceeded_limits(estimate_of(wall_seconds=ASK_HOURS * 3600 + 1)) == "24 hours"
    assert not exceeded_limits(estimate_of(wall_seconds=None, device_hours=None))


SHARED = {"basis": "same-workers", "measured_trainings": 1, "wall_seconds": 240.0, "device_hours": 2 / 15}
NO_SHARED = {"basis": "nothing", "measured_trainings": 0, "wall_seconds": None, "device_hours": None}
NO_FINALS = {
    "trainings": 8, "basis": "nothing", "measured_trainings": 0, "seconds_per_training": None, "wall_seconds": None,
    "device_hours": None,
}  # fmt: skip


def test_the_cost_counts_the_shared_training_or_says_that_it_does_not() -> None:
    known = "it will take about 9 min 00 s and 18 min 00 s of device time"
    assert cost_line(estimate_of(shared_training=SHARED)) == known
    trials_alone = "it will take about 5 min 00 s and 10 min 00 s of device time"
    assert cost_line(estimate_of(shared_training=NO_SHARED)) == f"{trials_alone}, its shared training not counted"
    both = estimate_of(shared_training=NO_SHARED, finals=NO_FINALS)
    assert cost_line(both) == f"{trials_alone}, its shared training and its finals not counted"
    assert exceeded_limits(estimate_of(shared_training=SHARED | {"device_hours": ASK_HOURS}))


@needs_node
def test_the_page_says_the_same_cost(tmp_path: Path) -> None:
    finals = NO_FINALS | {"basis": "profile", "wall_seconds": 5.0, "device_hours": 0.25}
    estimates = [
        estimate_of(), estimate_of(wall_seconds=None, device_hours=None), estimate_of(wall_seconds=0.2, finals=finals),
        estimate_of(shared_training=SHARED, finals=NO_FINALS), estimate_of(shared_training=NO_SHARED, finals=NO_FINALS),
    ]  # fmt: skip
    script = 'const { costSentence } = await import("./campaign/cost.js"); return given.map(costSentence);'
    lines = [cost_line(each) for each in estimates]
    said = run_script(tmp_path, script, [each.model_dump(mode="json") for each in estimates])
    assert said == [f"{line[0].upper()}{line[1:]}." for line in lines]


def test_fewer_trials_at_once_than_wanted_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    print_estimate(estimate_of(trials=1200, parallelism=8, at_once=2))
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("1,200 trials, 8 in parallel, of which 2 can run at once: about 5 min 00 s")
    print_estimate(estimate_of(at_once=2))
    assert "at once" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shared", "line"),
    [
        (SHARED, "shared weights, first: about 4 min 00 s, 8 min 00 s of device time"),
        (NO_SHARED, "shared weights, first: no training like theirs has been measured here yet"),
        (
            SHARED | {"basis": "kept", "wall_seconds": 12.0},
            "shared weights, first: an earlier campaign has trained them; about 12 s to read them",
        ),
    ],
)
def test_the_shared_training_is_estimated_before_the_trials(
    capsys: pytest.CaptureFixture[str], shared: dict[str, Any], line: str
) -> None:
    print_estimate(estimate_of(shared_training=shared))
    assert capsys.readouterr().out.splitlines()[0] == line


def test_a_dry_run_tells_budget_cost_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        "spec": {"name": "cars", "search_space": {"budget_madds": None}},
        "estimate": estimate_of().model_dump(),
        "feasible_madds": {"least": 647_488_064, "most": 19_246_895_504_387, "of_base": 2_275_000_000},
        "warnings": ["the name 'cars' is taken"],
    }
    print_dry_run(DryRunDocument.model_validate(found))
    assert capsys.readouterr().out.splitlines() == [
        "nothing is wrong with campaign 'cars', which was not created",
        "budget: the multi-adds of the base; feasible are 647.5 M to 19,246.8 G",
        "10 trials, 2 in parallel: about 5 min 00 s, 10 min 00 s of device time",
        "a trial takes 1 min 00 s: the median of 5 trials of this proxy task, but with other workers",
        "warning: the name 'cars' is taken",
    ]


def test_a_dry_run_creates_nothing(effspine: CommandLine, served: Store) -> None:
    tried = effspine("campaign", "create", "-f", "-", "--dry-run", stdin=CHEAP)
    assert tried.status == 0, tried.err
    assert tried.out.startswith("nothing is wrong with campaign 'cheap', which was not created\n")
    assert "about 4 min 00 s" in tried.out
    document = effspine("campaign", "create", "-f", "-", "--dry-run", "--json", stdin=CHEAP).document
    assert document.keys() >= {"spec", "estimate", "feasible_madds", "warnings"}
    refused = effspine("campaign", "create", "-f", "-", "--dry-run", stdin=CHEAP.replace("4", "many"))
    assert (refused.status, refused.err) == (2, "error: trials: 'many' is not a whole number (1 to 100,000)\n")
    assert served.reads.list_campaigns().items == ()


def test_an_estimate_of_a_missing_data_set_is_refused(effspine: CommandLine, served: Store) -> None:
    refused = effspine("campaign", "estimate", "-f", "-", stdin="name: x\ndataset: nowhere\n")
    assert refused.status == 2
    assert "there is no data set 'nowhere'" in refused.err


def test_a_campaign_is_deleted_after_a_question_alone(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=1, name="old").run(1)
    refused = effspine("campaign", "delete", "old")
    assert refused.status == 2
    assert f"Delete campaign {recorder.id} (old, completed, 1 finished trial)?" in refused.err
    assert "give --yes" in refused.err
    assert on_a_terminal(effspine, "n", "campaign", "delete", "old")[0] == 2
    assert len(served.reads.list_campaigns().items) == 1
    assert effspine("campaign", "delete", "old", "--yes").out == (
        f"campaign {recorder.id} (old, completed, 1 finished trial) is deleted\n"
    )
    assert served.reads.list_campaigns().items == ()


def on_a_terminal(effspine: CommandLine, answer: str, *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, with an answer; its status and output."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=effspine.environment)
    os.close(child)
    if answer:
        os.write(parent, f"{answer}\n".encode())
    text, deadline = io.BytesIO(), time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            part = os.read(parent, 65_536)
        except OSError:  # the last process of the terminal has ended
            break
        if not part:
            break
        text.write(part)
    os.close(parent)
    return process.wait(timeout=120), text.getvalue().decode()
