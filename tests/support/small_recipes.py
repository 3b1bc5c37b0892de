"""The recipes for laptops, with fields of a test's choice, for any model of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search_space.catalogue import Model
from search_space.recipes import resolve_recipe
from search_space.task_recipes import TaskRecipe, baseline_recipe, task_recipe

_IMAGES = 1000


def small_recipe(model: Model, *, steps: int, **fields: Any) -> TaskRecipe:
    """The recipe for so many steps, whatever the number of images is, with other `fields`."""
    if model.task != "detection":
        return task_recipe(model.task, "laptop", model, steps=steps, **{"warmup_steps": 0, **fields})
    recipe = baseline_recipe(resolve_recipe("laptop-final", fields), model, _IMAGES)
    return replace(recipe, training=replace(recipe.training, steps=steps))
