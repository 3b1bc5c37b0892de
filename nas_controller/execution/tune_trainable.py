"""The Ray actor that trains trials, one after another."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray import tune

from nas_controller.execution.trial_worker import TrialWorker
from nas_controller.execution.worker import Job


class ProxyTrainable(tune.Trainable):
    """Each of Tune's steps waits for the trial's next report."""

    def setup(
        self,
        config: dict[str, Any],
        job: Job | None = None,
        log_dir: Path | None = None,
        timeout_seconds: float | None = None,
    ) -> None:
        """Creates the worker; the trial begins with its first step."""
        # `with_parameters` always passes both; Tune's signature allows neither to be required.
        assert job is not None
        assert log_dir is not None
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for package in ("nas_controller", "proxy_trainer"):
            logging.getLogger(package).setLevel(logging.INFO)
        node = ray.get_runtime_context().get_node_id()
        self._worker = TrialWorker(job, log_dir, timeout_seconds, node=node)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Accepts another trial, unless the training of the previous one does not end."""
        return self._worker.release()

    def step(self) -> dict[str, Any]:
        """The next report; `done` says whether it has the outcome."""
        report = self._worker.step(self.config["work"])
        assert report is not None  # without a limit, `step` waits for a report
        return {"report": report, "done": report.outcome is not None}

    def cleanup(self) -> None:
        """Cancels the training when the actor is stopped."""
        with suppress(Exception):  # the actor may never have been set up
            self._worker.abandon()
