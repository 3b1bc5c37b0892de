"""The campaign document, the body of `POST /v1/campaigns`: its fields, defaults and checks.

Every field has a default except the name and, for profiles that train, the data set. Unknown fields are refused. Errors
of the search space and of the proxy task are pydantic errors at their field (`search_space.budget_madds`), so responses
have the path of the field.
"""

from __future__ import annotations

from typing import Annotated, Any
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from nas_controller.search.campaign_obstacles import early_stopping_obstacle, tpu_obstacle
from nas_controller.search.controller_spec import ControllerSpec
from nas_controller.search.field_descriptions import (
    CAMPAIGN,
    FINALS,
    GROUPS,
    OBJECTIVE,
    RESOURCES,
    SCORING,
    SEARCHER,
    SPACE,
    STOP,
    setting,
)
from nas_controller.search.finals_spec import FinalsSpec
from nas_controller.search.latency_spec import LatencySpec
from nas_controller.search.limits import MAX_PARALLELISM, MAX_SECONDS, MAX_SEED, MAX_TRIALS
from nas_controller.search.objective_spec import ObjectiveSpec
from nas_controller.search.proxy_task_spec import NEEDS_DATASET, ProxyTaskSpec
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.search.search_space_spec import SearchSpaceSpec
from nas_controller.search.stop_spec import EarlyStoppingSpec, StopSpec
from nas_controller.search.strict_types import Real, Whole
from nas_controller.search.validation_errors import located, refused
from search_space.dataset_name import MAX_CHARACTERS, PATTERN, check_dataset_name
from search_space.display import displayed
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

MAX_RETRIES = 20

_FAILURES = "Failures"


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

    model_config = ConfigDict(
        extra="forbid", frozen=True, title="Campaign", json_schema_extra={"x-groups": list(GROUPS)}
    )

    name: _Name = setting("Name", "What the campaign is called.", group=CAMPAIGN)
    dataset: _DatasetName | None = setting(
        "Data set",
        "Name of a registered data set; only proxy tasks that train nothing need none.",
        default=None,
        group=SPACE,
        null="none",
        source="/v1/datasets",
        needed=NEEDS_DATASET,
    )
    trials: Whole = setting(
        "Trials",
        "Number of trials, the uniform baseline (trial 0) included.",
        default=12,
        ge=1,
        le=MAX_TRIALS,
        group=CAMPAIGN,
    )
    parallelism: Whole = setting(
        "Parallel trials", "Trials that train at the same time.", default=1, ge=1, le=MAX_PARALLELISM, group=CAMPAIGN
    )
    seed: Whole = setting(
        "Seed",
        "It determines the proposals and the training of every trial.",
        default=1,
        ge=0,
        le=MAX_SEED,
        group=CAMPAIGN,
    )
    search_space: SearchSpaceSpec = setting(
        "Search space", "The widths that may be sampled.", default=SearchSpaceSpec.model_construct(), group=SPACE
    )
    controller: ControllerSpec = setting(
        "Controller", "How proposals are made and learned from.", default=ControllerSpec(), group=SEARCHER
    )
    objective: ObjectiveSpec = setting(
        "Objective", "What the search is told to maximise.", default=ObjectiveSpec(), group=OBJECTIVE
    )
    latency: LatencySpec | None = setting(
        "Measure latency",
        "Measures each trial's network as it is exported, as `minimise` does with `latency`.",
        default=None,
        group=OBJECTIVE,
        null="not measured",
    )
    proxy_task: ProxyTaskSpec = setting(
        "Proxy task", "How a trial is trained and scored.", default=ProxyTaskSpec.model_construct(), group=SCORING
    )
    early_stopping: EarlyStoppingSpec | None = setting(
        "Stop trials early",
        "Stops a trial that is worse than others were at the same step; needs `proxy_task.evaluate_steps`.",
        default=None,
        group=STOP,
        null="every trial is trained to its end",
    )
    stop: StopSpec | None = setting(
        "Stop the search",
        "Ends the search before its last trial.",
        default=None,
        group=STOP,
        null="never",
    )
    finals: FinalsSpec | None = setting(
        "Run finals",
        "Trains the best candidates and the baseline alone, with several seeds, and says whether one is better.",
        default=None,
        group=FINALS,
        null="no finals",
    )
    resources: ResourcesSpec = setting(
        "Resources", "What one trial takes of the machine.", default=ResourcesSpec.model_construct(), group=RESOURCES
    )
    retries: Whole = setting(
        "Retries",
        "Further attempts at a trial that fails or loses its worker.",
        default=2,
        ge=0,
        le=MAX_RETRIES,
        group=RESOURCES,
        fold=_FAILURES,
    )
    trial_timeout_seconds: Real | None = setting(
        "Time limit of an attempt",
        "An attempt that takes longer fails.",
        default=None,
        ge=1,
        le=MAX_SECONDS,
        allow_inf_nan=False,
        group=RESOURCES,
        fold=_FAILURES,
        unit="s",
        null="no limit",
    )
    max_failures: Whole | None = setting(
        "Most failures",
        "The campaign fails once so many trials were given up.",
        default=None,
        ge=1,
        le=MAX_TRIALS,
        group=RESOURCES,
        fold=_FAILURES,
        unit="trials",
        null="a tenth of the trials, at least 5",
    )
    max_consecutive_failures: Whole = setting(
        "Most failures in a row",
        "The campaign fails once so many trials in a row were given up.",
        default=5,
        ge=1,
        le=MAX_TRIALS,
        group=RESOURCES,
        fold=_FAILURES,
        unit="trials",
    )
    share: Real = setting(
        "Share",
        "Where campaigns compete for workers, each gets workers in proportion to its share.",
        default=1.0,
        ge=0.01,
        le=100,
        allow_inf_nan=False,
        group=RESOURCES,
    )

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
            message = NEEDS_DATASET["message"].replace("{proxy_task.profile}", self.proxy_task.profile)
            raise located(InvalidValueError(message, field="dataset"), self, "campaign", "dataset")
        return self

    @model_validator(mode="after")
    def _can_have_its_devices(self) -> CampaignSpec:
        obstacle = tpu_obstacle(self.proxy_task.resolve(), self.resources.tpus)
        if obstacle:
            raise located(InvalidValueError(obstacle, field="resources.tpus"), self.resources, "campaign", "tpus")
        return self

    @model_validator(mode="after")
    def _can_stop_trials_early(self) -> CampaignSpec:
        obstacle = early_stopping_obstacle(self.proxy_task.resolve(), self.latency is not None)
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
