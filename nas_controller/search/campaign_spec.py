"""The campaign document, the body of `POST /v1/campaigns`: its fields, defaults and checks.

Everything has a default but the name and, for every profile that trains, the data set. Unknown fields are refused.
Errors of the search space and of the proxy task are pydantic errors at their field (`search_space.budget_madds`), so
that the service answers with the path of the field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from nas_controller.search.controller.settings import Settings
from nas_controller.search.proxy_task_spec import ProxyTaskSpec
from nas_controller.search.search_space_spec import SearchSpaceSpec
from nas_controller.search.strict_types import Real, Whole
from nas_controller.search.validation_errors import located, refused
from search_space.dataset_name import MAX_CHARACTERS, PATTERN, check_dataset_name
from search_space.display import displayed
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

MAX_TRIALS = 100_000
MAX_PARALLELISM = 1_024
MAX_EVALUATIONS = 500  # of a trial with early stopping: the store keeps at least so many points of its curve
MAX_RETRIES = 20
MAX_SECONDS = 10 * 366 * 86_400
MAX_SEED = 2**31 - 1  # the seeds of TensorFlow's stateless random numbers are 32-bit integers

LEARNING_RATES = {"recurrent": 0.003, "factorised": 0.07}


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


class ControllerSpec(BaseModel):
    """How proposals are made and learned from (`nas_controller.search.controller`).

    `learning_rate` None takes the policy's own default; the stored document always carries the number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Literal["recurrent", "factorised"] = "recurrent"
    learning_rate: Real | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    entropy_bonus: Real = Field(default=0.05, ge=0, le=10, allow_inf_nan=False)
    baseline_decay: Real = Field(default=0.95, ge=0, lt=1, allow_inf_nan=False)
    importance_clip: Real = Field(default=2.0, ge=1, le=100, allow_inf_nan=False)
    hidden_units: Whole = Field(default=32, ge=4, le=512)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_learning_rate(cls, document: Any) -> Any:
        if isinstance(document, dict) and document.get("learning_rate") is None:
            policy = document.get("policy", "recurrent")
            rate = LEARNING_RATES.get(policy) if isinstance(policy, str) else None
            return {**document, "learning_rate": rate}
        return document

    def settings(self) -> Settings:
        """The controller's own settings."""
        return Settings(**self.model_dump())


class EarlyStoppingSpec(BaseModel):
    """When a trial is stopped before its end (`nas_controller.search.early_stopping`).

    With the rule `median`, once its AP after some steps lies below the median of the APs that at least `min_trials`
    trials with a reward had after as many. The proxy task's `evaluate_steps` says after which steps there is an AP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Literal["median"] = "median"
    min_trials: Whole = Field(default=5, ge=1, le=MAX_TRIALS)


class StopSpec(BaseModel):
    """What ends a campaign before its last trial, whichever comes first.

    `wall_seconds` since its start, without pauses; a reward of at least `target_reward`; as many outcomes in a row
    (failures and repeats count) without a better reward; `device_hours` of all attempts that are over, summed over the
    devices of each (`ResourcesSpec.devices`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_seconds: Real | None = Field(default=None, gt=0, le=MAX_SECONDS, allow_inf_nan=False)
    target_reward: Real | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    no_improvement_trials: Whole | None = Field(default=None, ge=1, le=MAX_TRIALS)
    device_hours: Real | None = Field(default=None, gt=0, le=1e9, allow_inf_nan=False)


class ResourcesSpec(BaseModel):
    """What one trial takes of a cluster.

    `cpus` None is an equal share of the machine, on a cluster one processor a trial. `gpus` None is an equal share of
    the GPUs that there are: whole ones where they suffice, else a part of one. More than one is a whole number of
    them. `tpus` are chips of one host.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: Whole | None = Field(default=None, ge=1, le=1_024)
    gpus: Real | None = Field(default=None, ge=0, le=64, allow_inf_nan=False)
    tpus: Whole = Field(default=0, ge=0, le=64)

    @model_validator(mode="after")
    def _can_be_allotted(self) -> ResourcesSpec:
        why = None
        if self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            why = f"{self.gpus:g} GPUs cannot be had: below 1 a trial shares a GPU, above 1 it takes whole ones"
        elif self.gpus and self.tpus:
            why = f"a trial takes GPUs or TPUs, not {self.gpus:g} of the one and {self.tpus} of the other"
        if why:
            raise located(InvalidValueError(why, field="resources.gpus"), self, "resources", "gpus")
        return self

    @property
    def devices(self) -> float:
        """What a trial's device time counts as: its GPUs or TPU chips, or one device."""
        return float(self.tpus or self.gpus or 1)


class CampaignSpec(BaseModel):
    """A campaign as asked for.

    `trials` counts every trial, the uniform baseline (trial 0) included. `seed` decides the proposals and
    the training of every trial; with `parallelism` 1 and equal rewards, the same seed gives the same
    campaign. `early_stopping` None trains every trial to its end; `stop` None runs every trial.

    `retries` is how many more attempts a trial gets that fails or loses its worker; an attempt of more than
    `trial_timeout_seconds` has failed. The campaign fails once `max_failures` trials (None: a tenth of `trials`, at
    least 5), or `max_consecutive_failures` in a row, were given up. Where several campaigns want more than there is,
    each gets workers in proportion to its `share`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    dataset: _DatasetName | None = None
    trials: Whole = Field(default=12, ge=1, le=MAX_TRIALS)
    parallelism: Whole = Field(default=1, ge=1, le=MAX_PARALLELISM)
    seed: Whole = Field(default=1, ge=0, le=MAX_SEED)
    search_space: SearchSpaceSpec = SearchSpaceSpec.model_construct()
    controller: ControllerSpec = Field(default_factory=ControllerSpec)
    proxy_task: ProxyTaskSpec = ProxyTaskSpec.model_construct()
    early_stopping: EarlyStoppingSpec | None = None
    stop: StopSpec | None = None
    resources: ResourcesSpec = ResourcesSpec.model_construct()
    retries: Whole = Field(default=2, ge=0, le=MAX_RETRIES)
    trial_timeout_seconds: Real | None = Field(default=None, ge=1, le=MAX_SECONDS, allow_inf_nan=False)
    max_failures: Whole | None = Field(default=None, ge=1, le=MAX_TRIALS)
    max_consecutive_failures: Whole = Field(default=5, ge=1, le=MAX_TRIALS)
    share: Real = Field(default=1.0, ge=0.01, le=100, allow_inf_nan=False)

    @property
    def failure_limit(self) -> int:
        """How many trials may be given up before the campaign fails."""
        return max(5, self.trials // 10) if self.max_failures is None else self.max_failures

    @model_validator(mode="after")
    def _has_dataset(self) -> CampaignSpec:
        task = self.proxy_task.resolve()
        if self.dataset is None and task.kind != "synthetic":
            message = (
                f"the profile '{self.proxy_task.profile}' trains on a data set and `dataset` names none; "
                "give the name of a registered one (only synthetic profiles need none)"
            )
            raise located(InvalidValueError(message, field="dataset"), self, "campaign", "dataset")
        return self

    @model_validator(mode="after")
    def _can_stop_trials_early(self) -> CampaignSpec:
        task = self.proxy_task.resolve()
        if self.early_stopping is not None and (why := _why_no_early_stopping(task)):
            raise located(InvalidValueError(why, field="early_stopping"), self, "campaign", "early_stopping")
        return self


def _why_no_early_stopping(task: ProxyTask) -> str | None:
    """Why trials of this task cannot be stopped early; None where they can."""
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
        fewest = task.steps // MAX_EVALUATIONS + 1
        return (
            f"proxy_task.evaluate_steps is {task.evaluate_steps:,} of {task.steps:,} steps; a trial that may be "
            f"stopped early is scored {MAX_EVALUATIONS} times at most, so give {fewest:,} or more"
        )
    return None
