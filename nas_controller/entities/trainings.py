"""The documents of trainings: what is trained, how far it is, and the rows of its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.states import TrainingState


class TrainingProgressDocument(Document):
    """How far a training is. `last` and `best` are values of the main metric `metric`."""

    step: int
    steps: int
    epoch: float | None = Field(description="Of the latest evaluation; null before the first.")
    loss: float | None
    metric: str = Field(examples=["ap"])
    last: float | None
    best: float | None
    best_step: int | None
    seconds_left: float | None


class TrainingDocument(Document):
    """A training of one network with a recipe."""

    id: str = Field(examples=["t_1m81wbxdc99wfqbs"])
    name: str
    task: str
    campaign_id: str | None = Field(description="The campaign whose trial is trained; null for another architecture.")
    trial: int | None
    model: str | None = Field(description="A model by its name; null where there is a `specification`.")
    specification: dict[str, Any] | None = Field(description="The architecture, as a block specification.")
    dataset: str
    recipe: str
    overrides: dict[str, Any]
    seed: int
    start: str = Field(
        description="The weights that it starts from: `fresh`, `finals`, `shared`, or those of a training."
    )
    resources: dict[str, Any] = Field(description="The processors, GPUs and TPU chips that it takes.")
    state: TrainingState
    progress: TrainingProgressDocument | None = Field(description="Null before the first step.")
    figures: dict[str, float | None] | None = Field(description="The metrics of the best evaluation so far.")
    attempts: int = Field(description="Processes that have trained it; each continues from the checkpoint.")
    device_seconds: float = Field(
        description="Time of its workers from their start to their last report, summed over their devices."
    )
    error: str | None = Field(description="Why it has failed, or its latest process.")
    log_tail: str | None = Field(description="The end of the log of a process that was killed or ended with an error.")
    created_at: datetime
    started_at: datetime | None = Field(description="Start of the first process.")
    finished_at: datetime | None
    last_event: int = Field(description="Sequence number of the newest event.")


class TrainingRowDocument(Document):
    """A row of the history of a training: a logged step."""

    step: int
    epoch: float
    learning_rate: float
    losses: dict[str, float]
    metrics: dict[str, float | None] | None = Field(None, description="Null where it was not evaluated.")
    seconds: float = Field(description="Seconds of training and evaluation up to this step.")
