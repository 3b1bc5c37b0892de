"""Recipes: named trainings of one network on a whole data set, in epochs. The only definition of their values.

A recipe is a proxy task without its number of steps, which follows from the epochs, the batch size and the number of
training images. The published decays are at the last 30 and 10 epochs, however many epochs there are, so a recipe
counts them in epochs too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from search_space.architecture import Architecture
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.errors import InvalidValueError, UnknownFieldError
from search_space.proxy_task import FIELDS as TASK_FIELDS
from search_space.proxy_task import PROFILES, STEP_DECAYS, ProxyTask
from search_space.proxy_task_checks import check_together
from search_space.proxy_task_fields import check_value, number, settable
from search_space.suggestions import unknown_field

MIN_STEPS_PER_WARMUP_STEP = 10
"""At most one of this many steps is a warm-up step; on COCO all published trainings are longer than that."""

ALL_IMAGES = TASK_FIELDS["reserved_images"].metadata["high"]
"""As `reserved_images`: the whole validation split; without one, a fifth of the training images."""

_NETWORK_FIELDS = ("image_px", "subnet_width", "subnet_layers", "anchor_size")
_PERIODS = ("kind", "steps", "evaluate_steps", "checkpoint_steps", "seconds")
_SHARED = tuple(name for name in TASK_FIELDS if name.startswith("shared_"))

UNUSED_FIELDS = (*_PERIODS, *_SHARED)
"""Fields of a proxy task that a recipe does not have."""


def steps_of(epochs: int, images: int, batch_size: int) -> int:
    """The step after which each of `images` has been seen `epochs` times."""
    return -(-epochs * images // batch_size)


@dataclass(frozen=True)
class Recipe:
    """One way to train a network on a data set; the defaults are the published protocol (section 5.1.1).

    The network is trained as it stands, at its own image size, except for the fields of `task` that are in `fixed`,
    which make it smaller, and for those in `overridden`. `operations` replace operations of the architecture.
    """

    name: str
    source: str
    task: ProxyTask
    epochs: int = number(650, 1, 100_000, "passes over the training images")
    decay_epochs: int = number(30, 0, 100_000, "last epochs at a tenth of the learning rate; for schedule `step`")
    final_decay_epochs: int = number(10, 0, 100_000, "last epochs at a hundredth of it; for schedule `step`")
    evaluate_epochs: int = number(10, 0, 100_000, "epochs between evaluations; 0 evaluates at the end only")
    operations: Mapping[str, Any] = field(default_factory=dict, hash=False)
    fixed: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()

    def steps(self, epochs: int, images: int) -> int:
        """`steps_of` these epochs in batches of the task."""
        return steps_of(epochs, images, self.task.batch_size)

    def task_for(self, images: int) -> ProxyTask:
        """The training on so many images as a proxy task, with its steps and warm-up steps."""
        steps = self.steps(self.epochs, images)
        warmup = min(self.task.warmup_steps, steps // MIN_STEPS_PER_WARMUP_STEP)
        return replace(self.task, kind="detection", steps=steps, warmup_steps=warmup)

    def decays(self, images: int) -> tuple[tuple[int, float], ...]:
        """The first step of each decayed learning rate, and its factor; none with schedule `cosine`."""
        if self.task.schedule != "step":
            return ()
        last = (self.decay_epochs, self.final_decay_epochs)
        return tuple(
            (self.steps(self.epochs - epochs, images), factor)
            for epochs, (_, factor) in zip(last, STEP_DECAYS, strict=True)
        )

    def learning_rate_at(self, step: int, images: int) -> float:
        """The learning rate of a step (from 0) of the training on so many images."""
        return self.task_for(images).learning_rate_at(step, self.decays(images))

    def network(
        self, candidate: Architecture, class_slots: int, anchor_size: float, *, as_it_stands: bool = False
    ) -> tuple[Architecture, Recipe]:
        """The network that is trained for a candidate, and the recipe for exactly this network.

        `as_it_stands` says that the candidate is the network itself, which only overrides change.
        """
        candidate = self.operating(candidate)
        task = self._sized(candidate, anchor_size, self.overridden if as_it_stands else self.fixed | self.overridden)
        network = task.architecture(candidate, class_slots)
        if network.widths == candidate.widths:
            network = replace(network, name=candidate.name)
        return network, replace(self, task=replace(task, width_multiplier=1.0, width_divisor=1))

    def proxy_task(self, base: Architecture) -> RecipeTask:
        """The training of architectures like `base` as a proxy task, for the finals of a campaign."""
        task = self._sized(base, PAPER_ANCHOR_SIZE, self.fixed | self.overridden)
        return RecipeTask(**{each.name: getattr(task, each.name) for each in fields(ProxyTask)}, recipe=self)

    def operating(self, candidate: Architecture) -> Architecture:
        """The candidate with the operations of the recipe."""
        return replace(candidate, operations=replace(candidate.operations, **self.operations))

    def _sized(self, candidate: Architecture, anchor_size: float, fixed: frozenset[str]) -> ProxyTask:
        """The task with the candidate's own size, except for the fields that are `fixed`."""
        own = {name: getattr(candidate, {"image_px": "input_px"}.get(name, name)) for name in _NETWORK_FIELDS[:3]}
        own |= {"anchor_size": anchor_size, "width_multiplier": 1.0, "width_divisor": 1}
        return replace(self.task, **{name: value for name, value in own.items() if name not in fixed})

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values, with the fields of its task that it has."""
        own = {name: getattr(self, name) for name in FIELDS}
        task = {name: value for name, value in self.task.to_dict().items() if name in TASK_FIELDS}
        task = {name: value for name, value in task.items() if name not in UNUSED_FIELDS}
        return {"recipe": self.name, **own, "operations": dict(self.operations), **task}


@dataclass(frozen=True)
class RecipeTask(ProxyTask):
    """A recipe as a proxy task, whose steps are known once the training images are counted (`on`)."""

    recipe: Recipe = None  # type: ignore[assignment]  # the fields before it have defaults
    decays: tuple[tuple[int, float], ...] | None = None

    def on(self, images: int) -> RecipeTask:
        """The task for so many training images, with its steps, decays and evaluations."""
        recipe = self.recipe
        known = recipe.task_for(images)
        return replace(
            self,
            steps=known.steps,
            warmup_steps=known.warmup_steps,
            evaluate_steps=recipe.steps(recipe.evaluate_epochs, images),
            decays=recipe.decays(images) or None,
        )

    def architecture(self, candidate: Architecture, class_slots: int) -> Architecture:
        """The network of a candidate, with the operations of the recipe."""
        return super().architecture(self.recipe.operating(candidate), class_slots)

    def learning_rate_at(self, step: int, decays: Sequence[tuple[float, float]] | None = None) -> float:
        """The learning rate of a step (from 0), with the decays of the recipe."""
        return super().learning_rate_at(step, self.decays if decays is None else decays)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        own = {each.name: getattr(self, each.name) for each in fields(ProxyTask)}
        return {**own, "recipe": self.recipe.to_dict(), "decays": self.decays and [list(each) for each in self.decays]}


FIELDS = settable(fields(Recipe))
"""The fields of a recipe beside those of a proxy task."""

_PAPER = Recipe(
    "paper",
    "section 5.1.1, the last columns of Tables 4 and 5",
    replace(PROFILES["paper"], profile="paper", reserve_from="val", reserved_images=ALL_IMAGES),
)
_FIXED_ON_LAPTOPS = frozenset(("width_multiplier", "width_divisor", *_NETWORK_FIELDS))


def _paper(name: str, source: str, epochs: int, operations: Mapping[str, Any] | None = None, **changes: Any) -> Recipe:
    """A published variant of the protocol."""
    task = replace(_PAPER.task, profile=name, **changes)
    return replace(_PAPER, name=name, source=source, epochs=epochs, task=task, operations=operations or {})


_PLAIN = {"squeeze_excitation": False, "activation": "relu", "stochastic_depth": False}
_WITH_EXCITATION = {**_PLAIN, "squeeze_excitation": True}
_WITH_SWISH = {**_WITH_EXCITATION, "activation": "swish"}

_ALL = (
    _PAPER,
    *(_paper(f"paper-{epochs}", f"Table 5, {epochs} epochs", epochs) for epochs in (72, 200, 350, 500)),
    _paper("paper-250", "Table 4, ResNet-50-FPN", 250),
    _paper("table-4-baseline", "Table 4, baseline", 72, _PLAIN, scale_min=0.8, scale_max=1.2),
    _paper("table-4-se", "Table 4, + SE", 72, _WITH_EXCITATION, scale_min=0.8, scale_max=1.2),
    _paper("table-4-ms-train", "Table 4, + ms train", 650, _WITH_EXCITATION),
    _paper("table-4-swish", "Table 4, + Swish", 650, _WITH_SWISH),
    Recipe(
        "laptop-final",
        "minutes on two cores, on the digits data set",
        replace(PROFILES["laptop-alone"], profile="laptop-final", warmup_steps=400, reserved_images=ALL_IMAGES),
        epochs=16,
        evaluate_epochs=4,
        fixed=_FIXED_ON_LAPTOPS,
    ),
)

RECIPES = {recipe.name: recipe for recipe in _ALL}


def resolve_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The named recipe with some fields replaced, its own or those of its proxy task.

    Raises InvalidValueError, with the field, for an unknown recipe or field, a value out of its range, and values that
    contradict each other.
    """
    if name not in RECIPES:
        raise InvalidValueError(f"recipe is {name!r}; it must be one of {', '.join(RECIPES)}", field="recipe")
    recipe, overrides = RECIPES[name], overrides or {}
    known = {**FIELDS, **{key: each for key, each in TASK_FIELDS.items() if key not in UNUSED_FIELDS}}
    for key, value in overrides.items():
        if key in ("steps", "evaluate_steps"):
            raise UnknownFieldError(
                f"unknown field '{key}'; a recipe counts in epochs: set '{key.replace('steps', 'epochs')}'", field=key
            )
        if key not in known:
            raise UnknownFieldError(unknown_field(key, list(known), "a recipe"), field=key)
        check_value(known[key], value)
    own = {key: value for key, value in overrides.items() if key in FIELDS}
    of_task = {key: value for key, value in overrides.items() if key not in FIELDS}
    recipe = replace(recipe, **own, task=replace(recipe.task, **of_task), overridden=frozenset(of_task))
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    """Raises InvalidValueError where fields contradict each other."""
    check_together(recipe.task_for(images=10 * ALL_IMAGES))
    if recipe.task.schedule != "step":
        return
    if recipe.final_decay_epochs > recipe.decay_epochs or recipe.decay_epochs >= recipe.epochs:
        raise InvalidValueError(
            f"epochs is {recipe.epochs}, decay_epochs {recipe.decay_epochs} and final_decay_epochs "
            f"{recipe.final_decay_epochs}; with schedule step, decay_epochs must be smaller than epochs and not "
            "smaller than final_decay_epochs",
            field="epochs",
        )
