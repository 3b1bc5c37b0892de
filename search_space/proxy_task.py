"""Proxy tasks: how a sampled architecture is trained and scored. The only definition of their fields and profiles."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from search_space.architecture import Architecture
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.errors import InvalidValueError, UnknownFieldError
from search_space.proxy_task_checks import LARGEST_RATE, check_together
from search_space.proxy_task_fields import check_value, choice, number, settable, switch
from search_space.suggestions import did_you_mean, unknown_field

Kind = Literal["detection", "shared", "synthetic"]
Schedule = Literal["cosine", "step", "exponential"]
Optimizer = Literal["sgd", "adamw", "rmsprop"]
ReserveFrom = Literal["train", "val"]
Precision = Literal["float32", "bfloat16"]

STEP_DECAYS = ((620 / 650, 0.1), (640 / 650, 0.01))
"""Fractions of the steps after which the rate falls to a tenth and a hundredth: the last 30 and 10 of 650 epochs."""

EXPONENTIAL_DECAY, EXPONENTIAL_DECAYS = 0.97, 350 / 2.4
"""The factor of one decay, and the number of decays in a training: every 2.4 of 350 epochs, as EfficientNet's."""

RMSPROP_EPSILON = 1e-3
"""Added to the averaged squared gradients in RMSProp, as EfficientNet is trained."""

SHARED_STEPS_PER_WARMUP_STEP = 15
"""In the training of shared weights, one of this many steps is a warm-up step."""


@dataclass(frozen=True)
class ProxyTask:
    """One way to train and score an architecture; the defaults are the published protocol (section 5.1.1).

    Sizes ending in `_px` are in pixels of the padded square image. A task of kind "shared" scores slices of one wide
    network, whose weights are trained once for the whole search space (`shared_*`); they may train for some `steps` of
    their own first. "synthetic" replaces training by a deterministic function of the widths.
    """

    profile: str = "paper"
    kind: Kind = choice(
        "detection",
        get_args(Kind),
        "`detection`: every architecture is trained alone; `shared`: it is a slice of weights that are trained once; "
        "`synthetic`: nothing is trained, the reward is a function of the widths",
    )
    image_px: int = number(
        512, 32, 2048, "side of the square image; the long side of a picture is resized to it, the rest is padded"
    )
    width_multiplier: float = number(1.0, 0.05, 4.0, "the proxy network has the candidate's widths times this")
    width_divisor: int = number(8, 1, 64, "proxy widths are rounded to multiples of this")
    subnet_width: int = number(64, 4, 1024, "channels of the endpoints and of the class and box subnets")
    subnet_layers: int = number(3, 1, 16, "separable convolutions of each subnet")
    anchor_size: float = number(
        PAPER_ANCHOR_SIZE, 0.5, 16.0, "side of the smallest anchor of a level, in strides of that level"
    )
    batch_size: int = number(256, 1, 4096, "images per step")
    micro_batch_size: int = number(
        0, 0, 4096, "images in memory at once on a device; `batch_size` is a multiple of it; 0 takes the whole batch"
    )
    steps: int = number(4500, 0, 10_000_000, "training steps; 0, for kind `shared`, scores slices as they are")
    learning_rate: float = number(
        0.28, 1e-6, LARGEST_RATE, "the peak learning rate, for `reference_batch_size` images per step"
    )
    reference_batch_size: int = number(
        0, 0, 4096, "the peak is `learning_rate` times `batch_size` over this; 0: it is `learning_rate` for any batch"
    )
    warmup_steps: int = number(500, 0, 1_000_000, "steps of linear warm-up; not more than `steps`")
    shared_steps: int = number(0, 0, 10_000_000, "training steps of the shared weights; only kind `shared` reads it")
    shared_learning_rate: float = number(0.28, 1e-6, LARGEST_RATE, "the peak learning rate of the shared weights")
    shared_ema_decay: float = number(
        0.0, 0.0, 0.99999, "decay of the moving average of the shared weights, which slices are cut from; 0: the last"
    )
    shared_seed: int = number(0, 0, 2**31 - 1, "the seed of the shared weights, independent of the trials' seed")
    schedule: Schedule = choice(
        "step",
        get_args(Schedule),
        "`cosine`: decay to zero; `step`: to a tenth and a hundredth after 620/650 and 640/650 of the steps; "
        "`exponential`: by 3 % 145 times, down to a hundredth",
    )
    optimizer: Optimizer = choice(
        "sgd",
        get_args(Optimizer),
        "`sgd`: with momentum; `adamw`: Adam with decoupled weight decay; `rmsprop`: with momentum",
    )
    momentum: float = number(
        0.9, 0.0, 0.999, "momentum of SGD and RMSProp; in AdamW the decay of the averaged gradients"
    )
    second_moment_decay: float = number(
        0.99, 0.0, 0.99999, "decay of the averaged squared gradients in AdamW and RMSProp"
    )
    weight_decay: float = number(
        4e-5, 0.0, 0.1, "weight decay of convolution kernels; biases, normalisation and fusion weights have none"
    )
    clip_norm: float = number(0.0, 0.0, 1e6, "largest norm of the whole gradient; 0 does not clip")
    bn_momentum: float = number(
        0.99, 0.0, 0.9999, "momentum of the batch-norm statistics; short trainings need a smaller one"
    )
    ema_decay: float = number(
        0.0, 0.0, 0.99999, "decay of the moving average of the weights, which is scored; 0 scores the last weights"
    )
    stochastic_depth: float = number(0.2, 0.0, 0.9, "drop rate of the last block, in proportion for earlier ones")
    flip: bool = switch(True, "mirror half of the images")
    scale_min: float = number(0.1, 0.05, 4.0, "smallest factor of the scale jitter")
    scale_max: float = number(2.0, 0.05, 4.0, "largest factor of the scale jitter")
    recalibration_images: int = number(
        0,
        0,
        1_000_000,
        "training images that give the scored weights their batch-norm statistics; 0: the running statistics of the "
        "training, which fit averaged weights badly",
    )
    reserved_images: int = number(7392, 1, 1_000_000, "images that give the reward")
    reserve_from: ReserveFrom = choice(
        "train",
        get_args(ReserveFrom),
        "`train`: held out of the training images; `val`: from the validation split, where there is one",
    )
    evaluate_steps: int = number(
        0,
        0,
        10_000_000,
        "steps between evaluations on the reserved images during training; 0 evaluates at the end only",
    )
    checkpoint_steps: int = number(500, 0, 10_000_000, "steps between checkpoints of a trial; 0 writes none")
    precision: Precision = choice(
        "float32",
        get_args(Precision),
        "precision of feature maps and convolutions; weights, their updates and all sums stay in float32",
    )
    jit_compile: bool = switch(False, "compile a graph for each architecture with XLA, instead of one graph for all")
    seconds: float = number(0.0, 0.0, 86_400.0, "duration of a synthetic trial; only `synthetic` reads it")

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

    def on(self, images: int) -> ProxyTask:
        """The task for so many training images, which a recipe counts its steps by (`search_space.recipes`)."""
        return self

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate after warm-up and before decay, scaled with the batch if `reference_batch_size` is set."""
        if not self.reference_batch_size:
            return self.learning_rate
        return self.learning_rate * self.batch_size / self.reference_batch_size

    def shared_task(self) -> ProxyTask:
        """The training of the shared weights as a task of its own."""
        return replace(
            self,
            kind="detection",
            steps=self.shared_steps,
            warmup_steps=self.shared_steps // SHARED_STEPS_PER_WARMUP_STEP,
            learning_rate=self.shared_learning_rate,
            ema_decay=self.shared_ema_decay,
            shared_steps=0,
        )

    def learning_rate_at(self, step: int, decays: Sequence[tuple[float, float]] | None = None) -> float:
        """The learning rate of a step (from 0): linear warm-up, then the decay of the schedule.

        `decays` are the first steps of the factors that follow, instead of `STEP_DECAYS`.
        """
        if step < self.warmup_steps:
            return self.peak_learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "cosine":
            progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
            return self.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        if self.schedule == "exponential":
            return self.peak_learning_rate * EXPONENTIAL_DECAY ** int(EXPONENTIAL_DECAYS * step / self.steps)
        factor = 1.0
        for first, decayed in [(each * self.steps, by) for each, by in STEP_DECAYS] if decays is None else decays:
            if step >= first:
                factor = decayed
        return self.peak_learning_rate * factor

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


FIELDS = settable(fields(ProxyTask))
"""The fields that may be set in addition to a profile, by name."""

_LAPTOP = ProxyTask(
    image_px=96,
    width_multiplier=0.25,
    width_divisor=1,
    subnet_width=16,
    anchor_size=2.0,
    batch_size=8,
    learning_rate=0.04,
    schedule="cosine",
    optimizer="adamw",
    clip_norm=10.0,
    bn_momentum=0.9,
    stochastic_depth=0.0,
    scale_min=0.8,
    scale_max=1.25,
    reserve_from="val",
    checkpoint_steps=0,
)

PROFILES: dict[str, ProxyTask] = {
    "paper": ProxyTask(reference_batch_size=256),
    # How these values were chosen: docs/laptop-profile.md.
    "laptop": replace(
        _LAPTOP,
        profile="laptop",
        kind="shared",
        steps=0,
        warmup_steps=0,
        shared_steps=4000,
        shared_learning_rate=0.04,
        recalibration_images=256,
        reserved_images=500,
    ),
    "laptop-alone": replace(
        _LAPTOP,
        profile="laptop-alone",
        steps=2000,
        warmup_steps=100,
        ema_decay=0.998,
        recalibration_images=512,
        reserved_images=2000,
        checkpoint_steps=500,
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
            f"profile is {profile!r}; it must be one of {', '.join(PROFILES)}{did_you_mean(profile, PROFILES)}",
            field="proxy_task.profile",
        )
    for name, value in overrides.items():
        if name not in FIELDS:
            raise UnknownFieldError(unknown_field(name, list(FIELDS), "a proxy task"), field=f"proxy_task.{name}")
        check_value(FIELDS[name], value)
    task = replace(PROFILES[profile], **overrides)
    check_together(task)
    return task


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """The fields in texts `name=value` of a command line, as arguments of `resolve`.

    Raises InvalidValueError for a text without an equals sign.
    """
    overrides = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise InvalidValueError(f"{pair!r} does not set a field of a proxy task; write field=value")
        try:
            overrides[name] = json.loads(value)
        except ValueError:
            overrides[name] = value
    return overrides
