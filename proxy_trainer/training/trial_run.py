"""One trial in training: its counters, its reports and its checkpoint."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, IntermediateScore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """A report of a training: steps done of `steps`, the current loss, and the seconds since its start.

    `ap` is the AP on the reserved images, in the reports of every `evaluate_steps` steps, else None. With `of_supernet`
    the report is of the supernet, which is trained before the first trial; its loss is None while another process
    trains it.
    """

    step: int
    steps: int
    loss: float | None
    seconds: float
    ap: float | None = None
    of_supernet: bool = False


@dataclass
class TrialRun:
    """A trial in training: the steps done, the last loss, and the seconds in all processes that trained it.

    `started` is the start on the clock of this process (`time.perf_counter`), as if the trial had never been
    interrupted. `scored` is the state that was scored last, with the batch-norm statistics that it was scored with.
    """

    engine: Engine
    file: CheckpointFile | None
    report: Callable[[Progress], None]
    started: float
    step: int = 0
    loss: float | None = None
    evaluate_seconds: float = 0.0
    scores: list[IntermediateScore] = field(default_factory=list)
    scored: EngineState | None = None

    @property
    def seconds(self) -> float:
        """Seconds of training and evaluation so far."""
        return time.perf_counter() - self.started

    def resume(self) -> None:
        """Continues from the checkpoint, if there is a usable one."""
        if self.file is None:
            return
        self.file.remove_partial_files()
        found = self.file.load()
        if found is None:
            return
        try:
            self.engine.restore(found.state)
        except ValueError as error:
            self.file.log_unusable(str(error))
            return
        self.step, self.loss = found.state.steps_done, found.loss
        self.started -= found.train_seconds + found.evaluate_seconds
        self.evaluate_seconds = found.evaluate_seconds
        self.scores = list(found.scores)
        log.info("resumed after step %d", self.step)

    def save(self) -> None:
        """Writes a checkpoint, if the trial has a file and has done a step."""
        if self.file is not None and self.loss is not None:
            train_seconds = self.seconds - self.evaluate_seconds
            scores = tuple(self.scores)
            self.file.save(Checkpoint(self.engine.state(), self.loss, train_seconds, self.evaluate_seconds, scores))

    def discard(self) -> None:
        """Removes the checkpoint."""
        if self.file is not None:
            self.file.discard()
