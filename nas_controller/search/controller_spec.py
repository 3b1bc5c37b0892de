"""`controller` of the campaign document: the search algorithm and its settings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from nas_controller.search.field_descriptions import setting
from nas_controller.search.searchers.registry import ALGORITHMS, SETTINGS, Algorithm, SearcherSettings, fields_of
from nas_controller.search.strict_types import Real, Whole
from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError

_SETTINGS = "Settings of the algorithm"

LEARNING_RATES = {"recurrent": 0.003, "factorised": 0.07}

DEFAULTS: dict[str, dict[str, Any]] = {
    "reinforce": {
        "policy": "recurrent",
        "entropy_bonus": 0.05,
        "baseline_decay": 0.95,
        "importance_clip": 2.0,
        "hidden_units": 32,
    },
    "random": {},
    "evolution": {"population": 100, "tournament": 25},
    "local-search": {"initial": 20},
    "tpe": {"startup_trials": 20, "window_trials": 500},
}
"""The settings of each algorithm; besides them `reinforce` has a learning rate by policy (LEARNING_RATES)."""


def _of(algorithm: Algorithm, name: str, title: str, meaning: str, **limits: Any) -> Any:
    """A field that one algorithm reads, with its default there."""
    if name == "learning_rate":
        defaults: dict[str, Any] = {"by": "policy", "values": LEARNING_RATES}
    else:
        defaults = {"by": "algorithm", "values": {algorithm: DEFAULTS[algorithm][name]}}
    if any(isinstance(default, float) for default in defaults["values"].values()):
        limits["allow_inf_nan"] = False
    description = f"{meaning} Read by `{algorithm}`; null for other algorithms."
    hints = {"fold": _SETTINGS, "defaults": defaults, "applies": {"to": "algorithm", "values": [algorithm]}}
    return setting(title, description, default=None, **limits, **hints)


class ControllerSpec(BaseModel):
    """How proposals are made and learned from (`nas_controller.search.searchers`).

    A setting belongs to the algorithm that reads it: it is null for the others, which refuse it. None means its
    default (DEFAULTS, LEARNING_RATES); the stored document always has the value.

    With `repeats` "free" an architecture that has been tried is not proposed again; with "count" it is, and costs a
    trial that takes the known outcome (`nas_controller.search.proposals`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Algorithm = setting("Algorithm", "The search algorithm.", default="reinforce")
    repeats: Literal["free", "count"] = setting(
        "Repeats",
        "What a proposal of a known architecture costs: nothing, it is drawn again, or a trial.",
        default="free",
    )
    policy: Literal["recurrent", "factorised"] | None = _of("reinforce", "policy", "Policy", "The policy.")
    learning_rate: Real | None = _of("reinforce", "learning_rate", "Learning rate", "Of Adam, by policy.", gt=0, le=1)
    entropy_bonus: Real | None = _of(
        "reinforce", "entropy_bonus", "Entropy bonus", "Weight of the policy's entropy.", ge=0, le=10
    )
    baseline_decay: Real | None = _of(
        "reinforce", "baseline_decay", "Baseline decay", "Decay of the mean reward.", ge=0, lt=1
    )
    importance_clip: Real | None = _of(
        "reinforce", "importance_clip", "Importance limit", "Largest importance weight.", ge=1, le=100
    )
    hidden_units: Whole | None = _of(
        "reinforce", "hidden_units", "Hidden units", "Of the recurrent policy's LSTM.", ge=4, le=512
    )
    population: Whole | None = _of(
        "evolution", "population", "Population", "Members that may be parents.", ge=2, le=1_000
    )
    tournament: Whole | None = _of(
        "evolution", "tournament", "Tournament", "Members, at most all, of which the best is a parent.", ge=1, le=1_000
    )
    initial: Whole | None = _of(
        "local-search", "initial", "Random trials", "Random trials before the first centre.", ge=0, le=100_000
    )
    startup_trials: Whole | None = _of(
        "tpe", "startup_trials", "Random trials", "Random trials before the first estimate.", ge=1, le=100_000
    )
    window_trials: Whole | None = _of(
        "tpe", "window_trials", "Window", "Rewards, the best and the latest, that it learns from.", ge=50, le=1_000
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_defaults(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        algorithm = document.get("algorithm", "reinforce")
        defaults = DEFAULTS.get(algorithm, {}) if isinstance(algorithm, str) else {}
        filled = defaults | {name: value for name, value in document.items() if value is not None}
        if algorithm == "evolution" and document.get("tournament") is None and type(filled["population"]) is int:
            filled["tournament"] = min(filled["tournament"], filled["population"])
        policy = filled.get("policy")
        if "learning_rate" not in filled and algorithm == "reinforce" and isinstance(policy, str):
            filled["learning_rate"] = LEARNING_RATES.get(policy)
        return {name: filled.get(name, value) for name, value in {**document, **filled}.items()}

    @model_validator(mode="after")
    def _has_no_setting_of_another_algorithm(self) -> ControllerSpec:
        read = fields_of(self.algorithm)
        for algorithm in ALGORITHMS:
            for name in fields_of(algorithm):
                if name not in read and getattr(self, name) is not None:
                    message = (
                        f"{name} is {getattr(self, name)!r}; the algorithm '{self.algorithm}' does not read it, "
                        f"'{algorithm}' does"
                    )
                    raise located(InvalidValueError(message, field=f"controller.{name}"), self, "controller", name)
        if self.tournament is not None and self.population is not None and self.tournament > self.population:
            message = f"tournament is {self.tournament}; it must be at most the population, {self.population}"
            error = InvalidValueError(message, field="controller.tournament")
            raise located(error, self, "controller", "tournament")
        return self

    def settings(self) -> SearcherSettings:
        """The settings of the algorithm."""
        return SETTINGS[self.algorithm](**{name: getattr(self, name) for name in fields_of(self.algorithm)})
