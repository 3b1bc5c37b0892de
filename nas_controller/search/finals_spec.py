"""`finals` of the campaign document: how the best candidates of a search are compared with the uniform baseline."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.search.limits import MAX_SECONDS, MAX_SEED
from nas_controller.search.proxy_task_spec import describe_fields
from nas_controller.search.strict_types import Real, Whole
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES, ProxyTask, resolve

FINALS_PROFILE = "laptop-alone"
MAX_FINALISTS = 50
MAX_FINALS_SEEDS = 100


class FinalsSpec(BaseModel):
    """The `top` candidates of a search and the baseline, each trained alone with `seeds` seeds.

    `profile` None is that of the search where it trains every architecture alone or none at all, and FINALS_PROFILE
    otherwise. `first_seed` None is the number after the campaign's seed. Every field of a proxy task is allowed
    besides, and overrides one of the profile. An attempt of more than `timeout_seconds` fails.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=describe_fields)

    top: Whole = Field(default=3, ge=1, le=MAX_FINALISTS)
    seeds: Whole = Field(default=5, ge=1, le=MAX_FINALS_SEEDS)
    first_seed: Whole | None = Field(default=None, ge=0, le=MAX_SEED)
    profile: str | None = Field(default=None, json_schema_extra={"enum": [*PROFILES, None]})
    timeout_seconds: Real | None = Field(default=None, ge=1, le=MAX_SECONDS, allow_inf_nan=False)

    def task(self, of_search: ProxyTask) -> ProxyTask:
        """The complete proxy task of the finals after a search. Raises InvalidValueError, but not after validation."""
        profile = self.profile or (FINALS_PROFILE if of_search.kind == "shared" else of_search.profile)
        try:
            return resolve(profile, **dict(self.__pydantic_extra__ or {}))
        except InvalidValueError as error:
            name = (error.field or "profile").removeprefix("proxy_task.")
            raise type(error)(str(error), field=f"finals.{name}") from None

    def settings(self, of_search: ProxyTask) -> dict[str, Any]:
        """The profile and the fields that override it. Rewards of other settings cannot be compared."""
        return {"profile": self.task(of_search).profile, **(self.__pydantic_extra__ or {})}

    def seed_numbers(self, campaign_seed: int) -> range:
        """The seeds, of which none is that of the campaign."""
        first = campaign_seed + 1 if self.first_seed is None else self.first_seed
        return range(first, first + self.seeds)

    def check(self, of_search: ProxyTask, dataset: str | None, campaign_seed: int) -> None:
        """Raises InvalidValueError, with the field, where these finals cannot follow such a search."""
        task, seeds = self.task(of_search), self.seed_numbers(campaign_seed)
        if task.kind == "shared":
            raise _refused(
                "profile",
                f"the profile '{task.profile}' scores slices of shared weights, and finals train every architecture "
                f"alone; give {FINALS_PROFILE}, or kind: detection",
            )
        if task.kind == "synthetic" and of_search.kind != "synthetic":
            raise _refused(
                "profile", f"the profile '{task.profile}' trains nothing; only a synthetic search has such finals"
            )
        if task.kind != "synthetic" and dataset is None:
            raise _refused(
                "profile",
                f"the profile '{task.profile}' trains on a data set, but `dataset` is not given; give the name of a "
                "registered data set, or the profile synthetic",
            )
        if seeds[-1] > MAX_SEED:
            raise _refused(
                "first_seed",
                f"first_seed is {seeds[0]} with {self.seeds} seeds; it must be at most {MAX_SEED - self.seeds + 1}, "
                "such as 0",
            )
        if campaign_seed in seeds:
            raise _refused(
                "first_seed",
                f"first_seed is {seeds[0]}, and with {self.seeds} seeds that of the campaign, {campaign_seed}, is one "
                f"of them; give {campaign_seed + 1} or more, or null",
            )


def _refused(name: str, message: str) -> InvalidValueError:
    return InvalidValueError(message, field=f"finals.{name}")
