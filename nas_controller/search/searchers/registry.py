"""The search algorithms by name: the settings that each reads, and how a searcher is made and restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args

from nas_controller.search.controller import Controller, Settings
from nas_controller.search.searchers.choice_searcher import ChoiceSearcher
from nas_controller.search.searchers.choice_space import ChoiceSpace
from nas_controller.search.searchers.evolution import Evolution, EvolutionSettings
from nas_controller.search.searchers.local_search import LocalSearch, LocalSearchSettings
from nas_controller.search.searchers.random_search import RandomSearch, RandomSettings
from nas_controller.search.searchers.searcher import Searcher
from nas_controller.search.searchers.tpe import Tpe, TpeSettings

Algorithm = Literal["reinforce", "random", "evolution", "local-search", "tpe"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

SettingsWithoutPolicy = RandomSettings | EvolutionSettings | LocalSearchSettings | TpeSettings
SearcherSettings = Settings | SettingsWithoutPolicy
SETTINGS: dict[Algorithm, type[SearcherSettings]] = {
    "reinforce": Settings,
    "random": RandomSettings,
    "evolution": EvolutionSettings,
    "local-search": LocalSearchSettings,
    "tpe": TpeSettings,
}


def fields_of(algorithm: Algorithm) -> tuple[str, ...]:
    """The names of the settings that an algorithm reads."""
    return tuple(field.name for field in fields(SETTINGS[algorithm]))


def make_searcher(settings: SearcherSettings, blocks: int, choices: Sequence[float], seed: int) -> Searcher:
    """The searcher with these settings, before any reward."""
    if isinstance(settings, Settings):
        return Controller(settings, blocks, choices, seed)
    return _without_policy(settings, ChoiceSpace(blocks, tuple(choices), seed))


def restore_searcher(state: Mapping[str, Any]) -> Searcher:
    """The searcher in a state that its `state()` returned. Raises ValueError for a state of another version."""
    if "algorithm" not in state:  # that of REINFORCE, which was the only algorithm once
        return Controller.from_state(state)
    settings = SETTINGS[state["algorithm"]](**state["settings"])
    space = ChoiceSpace(state["blocks"], tuple(state["choices"]), state["seed"])
    assert not isinstance(settings, Settings)
    return _without_policy(settings, space).restored(state)


def _without_policy(settings: SettingsWithoutPolicy, space: ChoiceSpace) -> ChoiceSearcher:
    if isinstance(settings, EvolutionSettings):
        return Evolution(settings, space)
    if isinstance(settings, LocalSearchSettings):
        return LocalSearch(settings, space)
    if isinstance(settings, TpeSettings):
        return Tpe(settings, space)
    return RandomSearch(settings, space)
