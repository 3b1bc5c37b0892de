"""What becomes of a checkpoint when an actor takes another trial. No Ray is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.execution.tune_trainable import ProxyTrainable
from nas_controller.execution.worker import Job, TrialRun
from search_space.proxy_task import resolve
from search_space.space import SearchSpace


@pytest.mark.parametrize(("timed_out", "stays"), [(True, True), (False, False)], ids=["too slow", "stopped early"])
def test_only_a_trial_that_is_tried_again_leaves_its_checkpoint(tmp_path: Path, timed_out: bool, stays: bool) -> None:
    widths = SearchSpace().base.widths
    task = resolve("synthetic", seconds=30)
    job = Job(task, SearchSpace().base, None, tmp_path, seed=1, threads=1, checkpoint_dir=tmp_path)
    checkpoint = tmp_path / f"{'-'.join(map(str, widths))}.checkpoint"
    checkpoint.touch()
    worker = ProxyTrainable.__new__(ProxyTrainable)
    worker._job = job
    worker._run = TrialRun(job, widths)
    worker._timed_out = timed_out
    assert worker.reset_config({})
    assert checkpoint.exists() == stays
