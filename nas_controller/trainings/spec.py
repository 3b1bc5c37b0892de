"""The request for a training, the body of `POST /v1/trainings`."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.search.limits import MAX_SEED
from nas_controller.search.resources_spec import ResourcesSpec
from search_space.catalogue import TASKS
from search_space.proxy_task_fields import settable, value_schema
from search_space.recipes import RECIPES, Recipe
from search_space.task_recipes import RECIPES as TASK_RECIPES

Widths = Annotated[list[Annotated[int, Field(ge=1, le=100_000)]], Field(min_length=18, max_length=18)]

USUAL_RECIPE = "laptop-final"
STARTS: dict[str, Any] = {
    "fresh": "Fresh, from the seed",
    "finals": "Those of the trial in the finals",
    "shared": "The trial's slice of the shared weights",
}
DETECTION_RECIPES = (USUAL_RECIPE, *(name for name in RECIPES if name != USUAL_RECIPE))


def _recipes_of_tasks() -> dict[str, Any]:
    """Of each task the recipes, the most usual one first: what each is for, and its epochs or steps."""
    detection = [
        {"name": name, "about": RECIPES[name].source, "epochs": RECIPES[name].epochs} for name in DETECTION_RECIPES
    ]
    others: dict[str, Any] = {
        task: [
            {
                "name": recipe.name,
                "about": recipe.source or "minutes on two cores, on digits",
                **({"epochs": recipe.epochs} if recipe.epochs else {"steps": recipe.training.steps}),
            }
            for recipe in sorted(recipes.values(), key=lambda recipe: recipe.source)
        ]
        for task, recipes in TASK_RECIPES.items()
    }
    return {"detection": detection, **others}


class TrainingSpec(BaseModel):
    """What to train: a trial of a campaign, or an architecture."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="Null: that of the architecture and the recipe."
    )
    task: str = Field(
        default="detection",
        max_length=40,
        examples=[*TASKS],
        description="What the network does, as `effspine train` has.",
    )
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
    recipe: str = Field(
        max_length=40,
        examples=[*DETECTION_RECIPES],
        description="One of the task; these are those of detection.",
        json_schema_extra={
            "x-about": {name: RECIPES[name].source for name in DETECTION_RECIPES},
            "x-tasks": _recipes_of_tasks(),
        },
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="Fields of the recipe with other values.",
        json_schema_extra={"properties": {"epochs": value_schema(settable(fields(Recipe))["epochs"])}},
    )
    seed: int = Field(default=0, ge=0, le=MAX_SEED, description="Seed of weights and batches.")
    start: str = Field(
        default="fresh",
        max_length=40,
        examples=[*STARTS],
        description="The weights that it starts from: one of the examples, or the id of a completed training.",
        json_schema_extra={"x-about": STARTS},
    )
    resources: ResourcesSpec = Field(default_factory=ResourcesSpec, description="What it takes while it trains.")
