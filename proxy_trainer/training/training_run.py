"""A training run: the loop over the steps of any `Trainee`, resumable to the bit, in a directory of its own.

The best evaluation is the one with the highest main metric; of equal ones, the earlier.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.errors import NonFiniteLossError
from proxy_trainer.training.course import Course, StepRate
from proxy_trainer.training.event_files import EventFiles
from proxy_trainer.training.run_directory import Row, RunDirectory
from proxy_trainer.training.trainee import Trainee
from search_space.run_files import BEST, LAST, TENSORBOARD

Figures = dict[str, float | None]

_PREFIX = "trainee/"


@dataclass(frozen=True)
class Evaluation:
    """The metrics after `step` steps."""

    step: int
    epoch: float
    figures: Figures


@dataclass(frozen=True)
class RunState:
    """What a run knows beside its trainee: the last losses, the latest and the best evaluation, and its cost.

    Seconds add up over all processes; `started_at` is UTC, ISO 8601.
    """

    started_at: str
    losses: dict[str, float] = field(default_factory=dict)
    last: Evaluation | None = None
    best: Evaluation | None = None
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0


@dataclass(frozen=True)
class RunProgress:
    """A report: steps done, the total loss of the last one, seconds so far and left, and the evaluations."""

    step: int
    steps: int
    loss: float | None
    seconds: float
    seconds_left: float | None
    last: Evaluation | None
    best: Evaluation | None


@dataclass(frozen=True)
class RunResult:
    """How a run has ended: complete, or stopped and saved."""

    is_complete: bool
    steps_done: int
    state: RunState


class TrainingRun:
    """Trains `trainee` along `course` in the directory `out`, or continues there.

    `identity` is everything that the weights depend on; a directory of another identity is refused. `description` is
    what `run.json` says beside progress and cost.
    """

    def __init__(
        self,
        trainee: Trainee,
        course: Course,
        out: Path,
        *,
        identity: Mapping[str, Any],
        description: Mapping[str, Any],
    ) -> None:
        self._trainee = trainee
        self._course = course
        self._directory = RunDirectory(out, identity)
        self._description = description
        self._state = RunState(started_at=datetime.now(UTC).isoformat(timespec="seconds"))
        self._rate = StepRate()
        self._saved = 0.0

    def run(
        self,
        report: Callable[[RunProgress], None] = lambda progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> RunResult:
        """Trains to the end, or until `is_stopped` after some step; then a checkpoint is written.

        `report` is called after every step; an exception that it raises ends the run as a kill would. Raises
        NonFiniteLossError where the loss is not finite (the checkpoint is of an earlier step), InvalidValueError for a
        directory that cannot be used, and DiskFullError or DataError where a file cannot be written.
        """
        with self._directory.locked():
            self._resume()
            events = EventFiles(
                self._directory.path / TENSORBOARD, self._directory.open_history(self._trainee.steps_done)
            )
            try:
                return self._train(events, report, is_stopped)
            finally:
                events.close()

    def _resume(self) -> None:
        """Continues from the checkpoint, or writes the first one."""
        found = self._directory.load()
        if found is None:
            self._save("running")
            return
        self._state = _read_state(str(found["run"]))
        self._trainee.restore({name[len(_PREFIX) :]: found[name] for name in found if name.startswith(_PREFIX)})
        self._saved = time.monotonic()
        self._describe("running" if self._trainee.steps_done < self._course.steps else "complete")

    def _train(
        self, events: EventFiles, report: Callable[[RunProgress], None], is_stopped: Callable[[], bool]
    ) -> RunResult:
        course = self._course
        while self._trainee.steps_done < course.steps:
            began = time.monotonic()
            try:
                rate = self._step()
            except NonFiniteLossError:
                self._describe("failed")
                raise
            self._add_seconds("train_seconds", time.monotonic() - began)
            self._rate.add(time.monotonic() - began)
            step = self._trainee.steps_done
            if course.is_evaluated(step):
                self._evaluate()
            if course.is_evaluated(step) or step % course.log_steps == 0:
                row = self._row(rate)
                self._directory.append(row)
                events.write(row)
            if course.is_evaluated(step):
                events.flush()
            stopped = is_stopped() and step < course.steps
            if stopped or course.is_evaluated(step) or time.monotonic() - self._saved >= course.checkpoint_seconds:
                self._save("stopped" if stopped else "running" if step < course.steps else "complete")
            report(self._progress())
            if stopped:
                return RunResult(False, step, self._state)
        return RunResult(True, self._trainee.steps_done, self._state)

    def _step(self) -> float:
        """One step; returns its learning rate. Raises NonFiniteLossError."""
        step = self._trainee.steps_done
        rate = self._course.learning_rate_at(step)
        losses = self._trainee.train_step(step, rate)
        if not all(map(math.isfinite, losses.values())):
            raise NonFiniteLossError(step, rate, self._state.losses.get("loss"))
        self._state = replace(self._state, losses=losses)
        return rate

    def _evaluate(self) -> None:
        """Evaluates, and writes the model directory of the best evaluation."""
        began = time.monotonic()
        figures = self._trainee.evaluate()
        found = Evaluation(self._trainee.steps_done, self._epoch, figures)
        best = self._state.best
        if best is None or self._main(found) > self._main(best):
            best = found
            self._directory.replace_model(BEST, lambda path: self._trainee.save(path, figures))
        self._state = replace(self._state, last=found, best=best)
        self._add_seconds("evaluate_seconds", time.monotonic() - began)
        self._rate.add_evaluation(time.monotonic() - began)

    def _main(self, evaluation: Evaluation) -> float:
        value = evaluation.figures[self._trainee.main_metric]
        assert value is not None, f"{self._trainee.main_metric} is the main metric and has no value"
        return value

    @property
    def _epoch(self) -> float:
        return round(self._trainee.steps_done / self._course.steps_per_epoch, 4)

    def _row(self, rate: float) -> Row:
        """A row of the history."""
        state, step = self._state, self._trainee.steps_done
        row: Row = {"step": step, "epoch": self._epoch, "learning_rate": rate, "losses": state.losses}
        if state.last is not None and state.last.step == step:
            row["metrics"] = state.last.figures
        return row | {"seconds": round(state.train_seconds + state.evaluate_seconds, 3)}

    def _save(self, state: str) -> None:
        """Writes the checkpoint, and after some steps the model directory of the same weights."""
        last = self._state.last
        if self._trainee.steps_done:
            figures = last.figures if last is not None and last.step == self._trainee.steps_done else None
            self._directory.replace_model(LAST, lambda path: self._trainee.save(path, figures))
        arrays: dict[str, npt.NDArray[Any]] = {
            f"{_PREFIX}{name}": values for name, values in self._trainee.state().items()
        }
        self._directory.save({**arrays, "run": np.array(json.dumps(asdict(self._state)))})
        self._saved = time.monotonic()
        self._describe(state)

    def _describe(self, state: str) -> None:
        self._directory.describe(
            {
                **self._description,
                "state": state,
                "steps": self._course.steps,
                "steps_done": self._trainee.steps_done,
                "epoch": self._epoch,
                "main_metric": self._trainee.main_metric,
                **asdict(self._state),
                "seconds": self._state.train_seconds + self._state.evaluate_seconds,
            }
        )

    def _add_seconds(self, name: str, seconds: float) -> None:
        self._state = replace(self._state, **{name: getattr(self._state, name) + seconds})

    def _progress(self) -> RunProgress:
        state, step = self._state, self._trainee.steps_done
        left = self._rate.seconds_left(self._course.steps - step, self._course.evaluations_after(step))
        seconds = state.train_seconds + state.evaluate_seconds
        return RunProgress(step, self._course.steps, state.losses.get("loss"), seconds, left, state.last, state.best)


def _read_state(text: str) -> RunState:
    document = json.loads(text)
    evaluations = {name: document[name] and Evaluation(**document[name]) for name in ("last", "best")}
    return RunState(**{**document, **evaluations})
