"""The campaign document, the body of `POST /v1/campaigns`: its fields, defaults and checks.

Every field has a default except the name and, for profiles that train, the data set. Unknown fields are refused. Errors
of the search space and of the proxy task are pydantic errors at their field (`search_space.budget_madds`), so responses
have the path of the field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from nas_controller.search.controller_spec import ControllerSpec
from nas_controller.search.finals_spec import FinalsSpec
from nas_controller.search.latency_spec import LatencySpec
from nas_controller.search.limits import MAX_SECONDS, MAX_SEED
from nas_controller.search.objective_spec import ObjectiveSpec
from nas_controller.search.proxy_task_spec import ProxyTaskSpec
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.search.search_space_spec import SearchSpaceSpec
from nas_controller.search.strict_types import Real, Whole
from nas_controller.search.validation_errors import located, refused
from search_space.dataset_name import MAX_CHARACTERS, PATTERN, check_dataset_name
from search_space.display import displayed
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

MAX_TRIALS = 100_000
MAX_PARALLELISM = 1_024
MAX_EVALUATIONS = 500  # of a trial with early stopping; the store keeps at least this many points of a curve
MAX_RETRIES = 20


def _without_control_characters(name: str) -> str:
    """Refuses control characters, which terminals interpret and PostgreSQL cannot store all of, and the separators and
    bidirectional controls that break or reorder a line.
    """
    for index, character in enumerate(name):
        if category(character) == "Cc" or displayed(character) != character:
            raise PydanticCustomError(
                "control_character",
                "a name must have no control characters; character {position} is U+{code}",
                {"position": index + 1, "code": f"{ord(character):04X}"},
            )
    return name


def _checked_dataset_name(name: str) -> str:
    try:
        check_dataset_name(name)
    except InvalidValueError as error:
        raise refused(error, "invalid_value") from error
    return name


_Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_without_control_characters),
]
_DatasetName = Annotated[
    str,
    AfterValidator(_checked_dataset_name),
    Field(json_schema_extra={"pattern": f"^{PATTERN.pattern}$", "maxLength": MAX_CHARACTERS}),
]


class EarlyStoppingSpec(BaseModel):
    """When a trial is stopped before its end (`nas_controller.search.early_stopping`).

    The rule `median` stops a trial if its AP at a step is below the median AP, at the same step, of at least
    `min_trials` trials with a reward. The proxy task's `evaluate_steps` sets the steps at which there is an AP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Literal["median"] = "median"
    min_trials: Whole = Field(default=5, ge=1, le=MAX_TRIALS)


class StopSpec(BaseModel):
    """The conditions that end a campaign before its last trial, whichever comes first.

    `wall_seconds` since its start, without pauses; a reward of at least `target_reward`; `no_improvement_trials`
    outcomes in a row (failures and repeats count) without a better reward; `device_hours` of all finished attempts,
    summed over the devices of each (`ResourcesSpec.devices`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_seconds: Real | None = Field(default=None, gt=0, le=MAX_SECONDS, allow_inf_nan=False)
    target_reward: Real | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    no_improvement_trials: Whole | None = Field(default=None, ge=1, le=MAX_TRIALS)
    device_hours: Real | None = Field(default=None, gt=0, le=1e9, allow_inf_nan=False)


class CampaignSpec(BaseModel):
    """The specification of a campaign.

    `trials` counts every trial, including the uniform baseline (trial 0). `seed` determines the proposals and the
    training of every trial; with `parallelism` 1 and equal rewards, the same seed gives the same campaign.
    `latency` None measures none; `early_stopping` None trains every trial to its end; `stop` None runs every trial;
    `finals` None has no finals.

    `retries` is the number of further attempts at a trial that fails or loses its worker; an attempt of more than
    `trial_timeout_seconds` fails. The campaign fails once `max_failures` trials (None: a tenth of `trials`, at least
    5), or `max_consecutive_failures` in a row, were given up. When several campaigns compete for workers, each gets
    workers in proportion to its `share`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    dataset: _DatasetName | None = None
    trials: Whole = Field(default=12, ge=1, le=MAX_TRIALS)
    parallelism: Whole = Field(default=1, ge=1, le=MAX_PARALLELISM)
    seed: Whole = Field(default=1, ge=0, le=MAX_SEED)
    search_space: SearchSpaceSpec = SearchSpaceSpec.model_construct()
    controller: ControllerSpec = Field(default_factory=ControllerSpec)
    objective: ObjectiveSpec = Field(default_factory=ObjectiveSpec)
    latency: LatencySpec | None = None
    proxy_task: ProxyTaskSpec = ProxyTaskSpec.model_construct()
    early_stopping: EarlyStoppingSpec | None = None
    stop: StopSpec | None = None
    finals: FinalsSpec | None = None
    resources: ResourcesSpec = ResourcesSpec.model_construct()
    retries: Whole = Field(default=2, ge=0, le=MAX_RETRIES)
    trial_timeout_seconds: Real | None = Field(default=None, ge=1, le=MAX_SECONDS, allow_inf_nan=False)
    max_failures: Whole | None = Field(default=None, ge=1, le=MAX_TRIALS)
    max_consecutive_failures: Whole = Field(default=5, ge=1, le=MAX_TRIALS)
    share: Real = Field(default=1.0, ge=0.01, le=100, allow_inf_nan=False)

    @property
    def finals_task(self) -> ProxyTask | None:
        """The complete proxy task of the finals, None without finals."""
        if self.finals is None:
            return None
        return self.finals.task(self.proxy_task.resolve(), self.search_space.build().base)

    @property
    def failure_limit(self) -> int:
        """How many trials may be given up before the campaign fails."""
        return max(5, self.trials // 10) if self.max_failures is None else self.max_failures

    @model_validator(mode="before")
    @classmethod
    def _measures_what_it_minimises(cls, document: Any) -> Any:
        if isinstance(document, dict) and document.get("latency") is None:
            objective = document.get("objective")
            minimised = objective.get("minimise") if isinstance(objective, dict) else getattr(objective, "minimise", "")
            return {**document, "latency": {}} if minimised == "latency" else document
        return document

    @model_validator(mode="after")
    def _has_dataset(self) -> CampaignSpec:
        task = self.proxy_task.resolve()
        if self.dataset is None and task.kind != "synthetic":
            message = (
                f"the profile '{self.proxy_task.profile}' trains on a data set, but `dataset` is not given; "
                "give the name of a registered data set"
            )
            raise located(InvalidValueError(message, field="dataset"), self, "campaign", "dataset")
        return self

    @model_validator(mode="after")
    def _can_stop_trials_early(self) -> CampaignSpec:
        task = self.proxy_task.resolve()
        obstacle = _early_stopping_obstacle(task) if self.latency is None else _STOPPED_BEFORE_LATENCY
        if self.early_stopping is not None and obstacle:
            raise located(InvalidValueError(obstacle, field="early_stopping"), self, "campaign", "early_stopping")
        return self

    @model_validator(mode="after")
    def _can_have_finals(self) -> CampaignSpec:
        if self.finals is not None:
            try:
                self.finals.check(self.proxy_task.resolve(), self.search_space.build().base, self.dataset, self.seed)
            except InvalidValueError as error:
                raise located(error, self.finals, "campaign", "finals") from error
        return self


_STOPPED_BEFORE_LATENCY = (
    "latency is measured at the end of a trial, which one that is stopped early does not reach; give either latency or "
    "early_stopping"
)


def _early_stopping_obstacle(task: ProxyTask) -> str | None:
    """Why trials of this task cannot be stopped early; None if they can."""
    if task.evaluate_steps == 0:
        return "the proxy task scores no trial before its end; give proxy_task.evaluate_steps"
    if task.kind == "synthetic":
        return None
    if task.evaluate_steps >= task.steps:
        return (
            f"proxy_task.evaluate_steps is {task.evaluate_steps:,}, which is not before the end of a trial, "
            f"{task.steps:,} steps"
        )
    if task.steps // task.evaluate_steps > MAX_EVALUATIONS:
        min_steps = task.steps // MAX_EVALUATIONS + 1
        return (
            f"proxy_task.evaluate_steps is {task.evaluate_steps:,} of {task.steps:,} steps; a trial that may be "
            f"stopped early is scored {MAX_EVALUATIONS} times at most, so give {min_steps:,} or more"
        )
    return None
