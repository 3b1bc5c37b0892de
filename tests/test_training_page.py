"""The page on training has the recipes and fields of the code, cell by cell."""

from __future__ import annotations

import pytest

from proxy_trainer.inference.detector import ADAPTERS
from search_space.recipes import FIELDS, RECIPES, Recipe
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
_WORDS = {
    "squeeze_excitation": "no squeeze-and-excitation",
    "activation": "ReLU",
    "stochastic_depth": "no stochastic depth",
}
_DEFAULTS = {"squeeze_excitation": True, "activation": "swish", "stochastic_depth": True}


def _rows(first_column: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    lines = PAGE.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[0] not in rows, f"{cells[0]} stands twice in the table"
        rows[cells[0].strip("`")] = cells[1:]
    return rows


def _wanted(recipe: Recipe) -> list[str]:
    task = recipe.task
    operations = [_WORDS[name] for name, value in recipe.operations.items() if value != _DEFAULTS[name]]
    return [
        recipe.source,
        str(recipe.epochs),
        str(task.batch_size),
        f"{task.learning_rate:g}",
        f"`{task.schedule}`",
        f"{task.scale_min:g}, {task.scale_max:g}",
        ", ".join(operations) or "all",
        str(recipe.evaluate_epochs),
    ]


def test_the_table_has_every_recipe_in_the_order_of_the_code() -> None:
    assert list(_rows("recipe")) == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_every_cell_of_a_recipe_is_its_value(name: str) -> None:
    assert _rows("recipe")[name] == _wanted(RECIPES[name])


def test_the_fields_have_the_meanings_of_the_code() -> None:
    assert {name: cells[0] for name, cells in _rows("field").items()} == {
        name: field.metadata["meaning"] for name, field in FIELDS.items()
    }


def test_the_sentences_about_decay_and_warm_up() -> None:
    assert {(each.decay_epochs, each.final_decay_epochs) for each in RECIPES.values()} == {(30, 10)}
    assert {name: each.task.warmup_steps for name, each in RECIPES.items() if each.task.warmup_steps != 500} == {
        "laptop-final": 400
    }
    assert RECIPES["laptop-final"].task_for(4000).steps == 8000


def test_the_page_names_every_runtime() -> None:
    for adapter in ADAPTERS:
        assert adapter.format in PAGE
