"""The documents of trainings: what is requested, how far it is, and the rows of its history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.entities.document import Document
from nas_controller.states import TrainingStart, TrainingState

Widths = Annotated[list[Annotated[int, Field(ge=1, le=100_000)]], Field(min_length=18, max_length=18)]


class TrainingSpec(BaseModel):
    """What to train: a trial of a campaign, or an architecture."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="Null: that of the architecture and the recipe."
    )
    task: str = Field(default="detection", max_length=40, description="What the network does, as `effspine train` has.")
    campaign_id: str | None = Field(default=None, max_length=64, description="Train a trial of this campaign.")
    trial: int | None = Field(
        default=None, ge=0, description="Number of the trial of `campaign_id`; null: the first of the best."
    )
    architecture: Annotated[str, Field(max_length=200)] | Widths | dict[str, Any] | None = Field(
        default=None,
        description="Without `campaign_id`: a model's name, 18 widths at the scale of D0, or a block specification.",
    )
    dataset: str | None = Field(
        default=None, max_length=64, description="Name of the data set; null: that of the campaign."
    )
    recipe: str = Field(max_length=40, examples=["laptop-final"])
    overrides: dict[str, Any] = Field(default_factory=dict, description="Fields of the recipe with other values.")
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed of weights and batches.")
    start: TrainingStart = Field(
        default="fresh", description="The weights it starts from; `finals` and `shared` are those of the trial."
    )


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
    start: TrainingStart
    state: TrainingState
    progress: TrainingProgressDocument | None = Field(description="Null before the first step.")
    figures: dict[str, float | None] | None = Field(description="The metrics of the best evaluation so far.")
    attempts: int = Field(description="Processes that have trained it; each continues from the checkpoint.")
    device_seconds: float = Field(description="Time of its processes from their start to their last report.")
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
