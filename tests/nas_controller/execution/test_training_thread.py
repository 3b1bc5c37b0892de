"""A training in a thread: its reports and its cancellation."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from nas_controller.execution import worker
from nas_controller.execution.training_thread import TrainingThread
from nas_controller.execution.worker import Job
from nas_controller.search.outcomes import Rewarded
from search_space.proxy_task import resolve
from search_space.space import SearchSpace

BASE = SearchSpace().base
WIDTHS = tuple(width + 8 for width in BASE.widths)


def job(**changes: Any) -> Job:
    return Job(resolve("synthetic", **changes), BASE, None, Path("/nowhere"), seed=1, threads=2)


def test_no_report_with_an_ap_is_lost_between_two_reads() -> None:
    training = TrainingThread(job(seconds=0.2, evaluate_steps=8), WIDTHS)
    outcome = training.wait(10.0)
    assert isinstance(outcome, Rewarded)
    reports = training.unread()
    assert [report.step for report in reports] == [8, 16, 20]
    assert [report.ap for report in reports] == [
        pytest.approx(outcome.reward * fraction) for fraction in (0.4, 0.8)
    ] + [None]
    assert training.unread() == ()


def test_a_training_reports_and_can_be_cancelled() -> None:
    training = TrainingThread(job(seconds=60), WIDTHS)
    assert training.wait(0.05) is None
    slow = training.cancel(0.0)
    assert slow is False
    quick = TrainingThread(job(seconds=1.0), WIDTHS)
    assert quick.wait(0.2) is None
    (latest,) = quick.unread()
    assert latest.steps == worker.SYNTHETIC_STEPS
    assert quick.cancel(5.0) is True
    assert quick.wait(0.0) is None
    finished = TrainingThread(job(), WIDTHS)
    assert isinstance(finished.wait(5.0), Rewarded)
    assert threading.active_count() < 50
