"""Proxy tasks: how a sampled architecture is trained and scored. The profiles stand here and nowhere else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from search_space.architecture import Architecture
from search_space.errors import InvalidValueError

Kind = Literal["detection", "synthetic"]
Schedule = Literal["cosine", "step"]
Optimizer = Literal["sgd", "adamw"]
ReserveFrom = Literal["train", "val"]
Precision = Literal["float32", "bfloat16"]

STEP_DECAYS = ((620 / 650, 0.1), (640 / 650, 0.01))
"""Fractions of training after which the rate falls to a tenth and a hundredth: the last 30 and 10 of 650 epochs."""

START_WARMUP = 15
"""One in so many steps of the training of a common start is warm-up."""

LARGEST_RATE = 10.0
"""The largest learning rate, before and after it is scaled with the batch."""


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class ProxyTask:
    """One way to train and score an architecture; the defaults are the published protocol (section 5.1.1).

    Sizes ending in `_px` are pixels of the padded square image. The proxy network has the candidate's widths times
    `width_multiplier`, rounded to multiples of `width_divisor`. The smallest anchor of a level is `anchor_size` strides
    wide. A step takes `batch_size` images, `micro_batch_size` at a time to save memory, or all at once where that is 0.
    `learning_rate` is the peak for a batch of `reference_batch_size` images, from which it is scaled to `batch_size` in
    proportion; where that is 0 it is the peak for this very batch. With `start_steps` all trials start from slices of
    one wide network, trained so many steps at `start_learning_rate` with a seed of its own; 0 starts each from fresh
    weights. `momentum` is the decay of averaged gradients in both optimisers, `second_moment_decay` that of their
    squares in AdamW. Weight decay takes convolution kernels, not biases, normalisation or fusion weights. `clip_norm`
    bounds the norm of the whole gradient; 0 leaves it. `ema_decay` averages the weights that are scored; 0 scores the
    last ones. `scale_min` to `scale_max` is the range of scale jitter. `reserved_images` give the reward: drawn from
    the training images and held out of training, or from the validation split with `reserve_from` "val". They are also
    scored every `evaluate_steps` steps, and every `checkpoint_steps` steps the state of a trial is saved; 0 is never.
    `precision` is that of feature maps and convolutions; weights and all sums over a batch are float32. `jit_compile`
    compiles a graph for each architecture with XLA, instead of one graph for all. `seconds` is used by kind "synthetic"
    only, which replaces training by a deterministic function of the widths.
    """

    profile: str = "paper"
    kind: Kind = "detection"
    image_px: int = _number(512, 32, 2048)
    width_multiplier: float = _number(1.0, 0.05, 4.0)
    width_divisor: int = _number(8, 1, 64)
    subnet_width: int = _number(64, 4, 1024)
    subnet_layers: int = _number(3, 1, 16)
    anchor_size: float = _number(3.0, 0.5, 16.0)
    batch_size: int = _number(256, 1, 4096)
    micro_batch_size: int = _number(0, 0, 4096)
    steps: int = _number(4500, 1, 10_000_000)
    learning_rate: float = _number(0.28, 1e-6, LARGEST_RATE)
    reference_batch_size: int = _number(0, 0, 4096)
    warmup_steps: int = _number(500, 0, 1_000_000)
    start_steps: int = _number(0, 0, 10_000_000)
    start_learning_rate: float = _number(0.28, 1e-6, LARGEST_RATE)
    start_seed: int = _number(0, 0, 2**31 - 1)
    schedule: Schedule = "step"
    optimizer: Optimizer = "sgd"
    momentum: float = _number(0.9, 0.0, 0.999)
    second_moment_decay: float = _number(0.99, 0.0, 0.99999)
    weight_decay: float = _number(4e-5, 0.0, 0.1)
    clip_norm: float = _number(0.0, 0.0, 1e6)
    bn_momentum: float = _number(0.99, 0.0, 0.9999)
    ema_decay: float = _number(0.0, 0.0, 0.99999)
    stochastic_depth: float = _number(0.2, 0.0, 0.9)
    flip: bool = True
    scale_min: float = _number(0.1, 0.05, 4.0)
    scale_max: float = _number(2.0, 0.05, 4.0)
    reserved_images: int = _number(7392, 1, 1_000_000)
    reserve_from: ReserveFrom = "train"
    evaluate_steps: int = _number(0, 0, 10_000_000)
    checkpoint_steps: int = _number(500, 0, 10_000_000)
    precision: Precision = "float32"
    jit_compile: bool = False
    seconds: float = _number(0.0, 0.0, 86_400.0)

    def architecture(self, candidate: Architecture, class_slots: int) -> Architecture:
        """The proxy network of a candidate on a data set of `class_slots` categories."""
        return candidate.scaled(
            self.width_multiplier,
            divisor=self.width_divisor,
            input_px=self.image_px,
            subnet_width=self.subnet_width,
            subnet_layers=self.subnet_layers,
            class_slots=class_slots,
        )

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate after warm-up and before decay, scaled linearly with the batch where that is asked for."""
        if not self.reference_batch_size:
            return self.learning_rate
        return self.learning_rate * self.batch_size / self.reference_batch_size

    def of_start(self) -> ProxyTask:
        """The training of the common start as a task: `start_steps` steps at `start_learning_rate`."""
        return replace(
            self,
            steps=self.start_steps,
            warmup_steps=self.start_steps // START_WARMUP,
            learning_rate=self.start_learning_rate,
            start_steps=0,
        )

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step (from 0): linear warm-up, then cosine decay to zero or the published steps."""
        if step < self.warmup_steps:
            return self.peak_learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "cosine":
            progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
            return self.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        factor = 1.0
        for fraction, decayed in STEP_DECAYS:
            if step >= fraction * self.steps:
                factor = decayed
        return self.peak_learning_rate * factor

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


PROFILES: dict[str, ProxyTask] = {
    "paper": ProxyTask(reference_batch_size=256),
    # How its figures were chosen: docs/laptop-profile.md.
    "laptop": ProxyTask(
        profile="laptop",
        image_px=128,
        width_multiplier=0.3,
        width_divisor=2,
        subnet_width=24,
        anchor_size=2.0,
        batch_size=8,
        steps=250,
        learning_rate=0.02,
        warmup_steps=20,
        start_steps=900,
        start_learning_rate=0.04,
        schedule="cosine",
        optimizer="adamw",
        clip_norm=10.0,
        bn_momentum=0.9,
        ema_decay=0.98,
        stochastic_depth=0.0,
        scale_min=0.8,
        scale_max=1.25,
        reserved_images=2000,
        reserve_from="val",
        checkpoint_steps=0,
    ),
    "smoke": ProxyTask(
        profile="smoke",
        image_px=64,
        width_multiplier=0.2,
        width_divisor=2,
        subnet_width=12,
        subnet_layers=1,
        batch_size=8,
        steps=20,
        learning_rate=0.02,
        warmup_steps=5,
        schedule="cosine",
        bn_momentum=0.9,
        stochastic_depth=0.0,
        scale_min=1.0,
        scale_max=1.0,
        reserved_images=16,
        reserve_from="val",
        checkpoint_steps=0,
    ),
    "synthetic": ProxyTask(profile="synthetic", kind="synthetic"),
}


def resolve(profile: str, **overrides: Any) -> ProxyTask:
    """The named profile with some fields replaced.

    Raises InvalidValueError, with the field, for an unknown profile or field or a value out of its range.
    """
    if profile not in PROFILES:
        raise InvalidValueError(
            f"profile is {profile!r}; it must be one of {', '.join(PROFILES)}", field="proxy_task.profile"
        )
    task = PROFILES[profile]
    for name, value in overrides.items():
        _check(name, value)
    task = replace(task, **overrides)
    if task.scale_min > task.scale_max:
        raise InvalidValueError(
            f"scale_min is {task.scale_min} and scale_max is {task.scale_max}; the first must not be the larger",
            field="proxy_task.scale_min",
        )
    if task.warmup_steps > task.steps:
        raise InvalidValueError(
            f"warmup_steps is {task.warmup_steps}; it must not be more than steps, {task.steps}",
            field="proxy_task.warmup_steps",
        )
    if task.start_steps and task.jit_compile:
        raise InvalidValueError(
            f"start_steps is {task.start_steps}; it must be 0 with jit_compile, which would compile a graph for every "
            "architecture that the common start is trained for",
            field="proxy_task.start_steps",
        )
    if task.peak_learning_rate > LARGEST_RATE:
        raise InvalidValueError(
            f"learning_rate is {task.learning_rate:g} for {task.reference_batch_size} images, so "
            f"{task.peak_learning_rate:g} for batch_size, {task.batch_size}; it must be at most {LARGEST_RATE:g} then",
            field="proxy_task.learning_rate",
        )
    if task.micro_batch_size and task.batch_size % task.micro_batch_size:
        raise InvalidValueError(
            f"micro_batch_size is {task.micro_batch_size}; batch_size, {task.batch_size}, must be a multiple of it",
            field="proxy_task.micro_batch_size",
        )
    return task


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """Fields from `name=value` as people write them on a command line, for `resolve`.

    Raises InvalidValueError for a pair without an equals sign.
    """
    overrides = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise InvalidValueError(f"{pair!r} is no field of a proxy task with a value; write field=value")
        try:
            overrides[name] = json.loads(value)
        except ValueError:
            overrides[name] = value
    return overrides


_FIXED = ("profile", "kind")
_WORDS = {
    "schedule": get_args(Schedule),
    "optimizer": get_args(Optimizer),
    "reserve_from": get_args(ReserveFrom),
    "precision": get_args(Precision),
}
_FIELDS = {f.name: f for f in fields(ProxyTask) if f.name not in _FIXED}


def _check(name: str, value: object) -> None:
    where = f"proxy_task.{name}"
    if name not in _FIELDS:
        raise InvalidValueError(f"{name} is no field of a proxy task; fields are {', '.join(_FIELDS)}", field=where)
    default, limits = _FIELDS[name].default, _FIELDS[name].metadata
    if name in _WORDS:
        if value not in _WORDS[name]:
            raise InvalidValueError(f"{name} is {value!r}; it must be {' or '.join(_WORDS[name])}", field=where)
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise InvalidValueError(f"{name} is {value!r}; it must be true or false", field=where)
    else:
        _check_number(name, value, whole=isinstance(default, int), low=limits["low"], high=limits["high"])


def _check_number(name: str, value: object, *, whole: bool, low: float, high: float) -> None:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    if not fits or not low <= value <= high:  # type: ignore[operator]
        kind = "whole number" if whole else "number"
        raise InvalidValueError(
            f"{name} is {value!r}; it must be a {kind} from {_shown(low)} to {_shown(high)}", field=f"proxy_task.{name}"
        )


def _shown(limit: float) -> str:
    """A limit as people write it: 10,000,000; 0.05; 1e-06."""
    return f"{int(limit):,}" if limit == int(limit) else f"{limit:g}"
