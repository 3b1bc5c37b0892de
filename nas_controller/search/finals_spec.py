"""`finals` of the campaign document: how the best candidates of a search are compared with the uniform baseline."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from nas_controller.search.field_descriptions import FINALS, setting
from nas_controller.search.limits import MAX_SECONDS, MAX_SEED
from nas_controller.search.proxy_task_spec import describe_fields
from nas_controller.search.strict_types import Real, Whole
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES, ProxyTask, resolve
from search_space.proxy_task_fields import value_schema
from search_space.recipes import FIELDS as RECIPE_FIELDS
from search_space.recipes import RECIPES, resolve_recipe

FINALS_PROFILE = "laptop-alone"
MAX_FINALISTS = 50
MAX_FINALS_SEEDS = 100


TRAINING_FOLD = "Training of the finals"


def _describe_task(schema: dict[str, Any]) -> None:
    """Adds the fields of tasks that finals can have: those of trainings that share no weights, and of recipes."""
    own = set(schema["properties"])
    describe_fields(schema)
    for name, field in RECIPE_FIELDS.items():
        defaults = {recipe.name: getattr(recipe, name) for recipe in RECIPES.values()}
        schema["properties"][name] = {
            "title": name.replace("_", " ").capitalize(),
            **value_schema(field),
            "x-unit": "epochs",
            "x-defaults": {"by": "recipe", "values": defaults},
            "x-applies": {"to": "recipe", "values": list(RECIPES)},
        }
    for name in schema["properties"].keys() - own:
        schema["properties"][name] |= {"x-group": FINALS, "x-fold": TRAINING_FOLD}
    kind = schema["properties"]["kind"]
    kind["enum"] = [each for each in kind["enum"] if each != "shared"]


class FinalsSpec(BaseModel):
    """The `top` candidates of a search and the baseline, each trained alone with `seeds` seeds.

    They are trained with a `recipe` for whole trainings, or with the proxy task of a `profile`. `profile` None is that
    of the search where it trains every architecture alone or none at all, and FINALS_PROFILE otherwise. `first_seed`
    None is the number after the campaign's seed. Every field of the profile or recipe is allowed besides, and overrides
    it. An attempt of more than `timeout_seconds` fails.
    """

    model_config = ConfigDict(extra="allow", frozen=True, json_schema_extra=_describe_task)

    top: Whole = setting(
        "Candidates",
        "The best candidates of the search that are compared with the baseline.",
        default=3,
        ge=1,
        le=MAX_FINALISTS,
    )
    seeds: Whole = setting(
        "Seeds",
        "How often the baseline and each candidate are trained, each time with another seed.",
        default=5,
        ge=1,
        le=MAX_FINALS_SEEDS,
    )
    first_seed: Whole | None = setting(
        "First seed",
        "The first of the seeds, of which none may be that of the campaign.",
        default=None,
        ge=0,
        le=MAX_SEED,
        null="the one after the campaign's",
    )
    profile: str | None = setting(
        "Profile",
        "The preset of the training; by default that of the search, or `laptop-alone` after shared weights.",
        default=None,
        json_schema_extra={"enum": [*PROFILES, None]},
        null=f"as the search, or {FINALS_PROFILE} after shared weights",
    )
    recipe: str | None = setting(
        "Recipe",
        "A recipe of whole trainings, in epochs, in the place of the profile.",
        default=None,
        json_schema_extra={"enum": [*RECIPES, None]},
        null="none: the profile",
    )
    timeout_seconds: Real | None = setting(
        "Time limit of an attempt",
        "An attempt that takes longer fails.",
        default=None,
        ge=1,
        le=MAX_SECONDS,
        allow_inf_nan=False,
        unit="s",
        null="no limit",
    )

    def task(self, of_search: ProxyTask, base: Architecture) -> ProxyTask:
        """The complete proxy task of the finals after a search of architectures like `base`.

        Raises InvalidValueError, but not after validation.
        """
        overrides = dict(self.__pydantic_extra__ or {})
        try:
            if self.recipe is not None:
                return resolve_recipe(self.recipe, overrides).proxy_task(base)
            return resolve(self._profile(of_search), **overrides)
        except InvalidValueError as error:
            name = (error.field or "profile").removeprefix("proxy_task.")
            raise type(error)(str(error), field=f"finals.{name}") from None

    def settings(self, of_search: ProxyTask) -> dict[str, Any]:
        """The recipe or the profile, and the fields that override it. Rewards of other settings cannot be compared."""
        named = {"profile": self._profile(of_search)} if self.recipe is None else {"recipe": self.recipe}
        return {**named, **(self.__pydantic_extra__ or {})}

    def _profile(self, of_search: ProxyTask) -> str:
        return self.profile or (FINALS_PROFILE if of_search.kind == "shared" else of_search.profile)

    def seed_numbers(self, campaign_seed: int) -> range:
        """The seeds, of which none is that of the campaign."""
        first = campaign_seed + 1 if self.first_seed is None else self.first_seed
        return range(first, first + self.seeds)

    def check(self, of_search: ProxyTask, base: Architecture, dataset: str | None, campaign_seed: int) -> None:
        """Raises InvalidValueError, with the field, where these finals cannot follow such a search."""
        if self.profile is not None and self.recipe is not None:
            raise _refused("recipe", f"profile is {self.profile!r} and recipe {self.recipe!r}; give one of them")
        task, seeds = self.task(of_search, base), self.seed_numbers(campaign_seed)
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
            named = "profile" if self.recipe is None else "recipe"
            raise _refused(
                named,
                f"the {named} '{task.profile}' trains on a data set, but `dataset` is not given; give the name of a "
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
                f"of them; give {campaign_seed + 1} or more, or none",
            )


def _refused(name: str, message: str) -> InvalidValueError:
    return InvalidValueError(message, field=f"finals.{name}")
