"""A worker: the actor in which the trials of a campaign train, one after another."""

from __future__ import annotations

import logging
import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray import tune

from nas_controller.execution import worker_log
from nas_controller.execution.worker import Job, TrialRun
from nas_controller.execution.worker_watchdog import REPORT_SECONDS, REPORT_SHARE
from nas_controller.search.outcomes import TIMED_OUT, Failed, Rewarded, TrialWork

logger = logging.getLogger(__name__)


class ProxyTrainable(tune.Trainable):
    """Each step waits for the trial's end or the time of the next report, whichever is first."""

    def setup(
        self,
        config: dict[str, Any],
        job: Job | None = None,
        folder: Path | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Cheap: the trial begins with its first step."""
        # Both are given by `with_parameters`; Tune's own signature has no place for them.
        assert job is not None
        assert folder is not None
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for package in ("nas_controller", "proxy_trainer"):
            logging.getLogger(package).setLevel(logging.INFO)
        self._job = job
        self._folder = folder
        self._timeout_seconds = math.inf if timeout_seconds is None else timeout_seconds
        self._worker = (ray.get_runtime_context().get_node_id(), os.getpid())
        self._run: TrialRun | None = None
        self._began = 0.0
        self._timed_out = False

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes another trial, unless the last one cannot be made to end."""
        if self._run is not None:
            if not self._run.cancel(seconds=30.0):
                return False
            if not self._timed_out:  # then it was stopped early, and nothing goes on from its checkpoint
                self._job.remove_checkpoint_of(self._run.widths)
        self._run = None
        return True

    def step(self) -> dict[str, Any]:
        """What was reported since the last step, and the outcome once there is one."""
        if self._run is None:
            work: TrialWork = self.config["work"]
            worker_log.begin(self._folder, work.number, work.attempt)
            logger.info("trial %d, attempt %d: widths %s", work.number, work.attempt, " ".join(map(str, work.widths)))
            self._run = TrialRun(self._job, work.widths)
            self._began = time.monotonic()
            self._timed_out = False
        elapsed = time.monotonic() - self._began
        left = max(0.0, self._timeout_seconds - elapsed)
        outcome: Rewarded | Failed | None = self._run.wait(min(left, max(REPORT_SECONDS, elapsed * REPORT_SHARE)))
        progress = self._run.unread()
        if outcome is not None:
            self._run = None
        elif time.monotonic() - self._began >= self._timeout_seconds:
            # The training may still be under way; the next trial waits until it has let go (`reset_config`).
            why = f"the attempt took longer than trial_timeout_seconds, {self._timeout_seconds:g} s"
            outcome = Failed("retry", why, TIMED_OUT)
            self._timed_out = True
        return {"progress": progress, "outcome": outcome, "done": outcome is not None, "worker": self._worker}

    def cleanup(self) -> None:
        """Lets the training thread go when the actor is stopped."""
        if getattr(self, "_run", None) is not None:
            with suppress(Exception):
                self._run.cancel(seconds=0.5)  # type: ignore[union-attr]
