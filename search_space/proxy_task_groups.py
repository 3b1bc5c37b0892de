"""The fields of a proxy task by subject, with a title and, where its values have one, a unit of each."""

from __future__ import annotations

from typing import NamedTuple


class Heading(NamedTuple):
    """The title of a field, its unit, and the kinds of proxy tasks that read it (none: all kinds)."""

    title: str
    unit: str | None = None
    kinds: tuple[str, ...] = ("detection", "shared")


GROUPS: dict[str, dict[str, Heading]] = {
    "Kind of training": {
        "kind": Heading("Kind", kinds=()),
        "seconds": Heading("Duration of a synthetic trial", "s", ("synthetic",)),
    },
    "Network of the proxy": {
        "image_px": Heading("Image side", "px"),
        "width_multiplier": Heading("Width multiplier"),
        "width_divisor": Heading("Width divisor", "channels"),
        "subnet_width": Heading("Subnet width", "channels"),
        "subnet_layers": Heading("Subnet layers"),
        "anchor_size": Heading("Anchor size", "strides"),
    },
    "Length and batches": {
        "steps": Heading("Steps"),
        "batch_size": Heading("Batch size", "images"),
        "micro_batch_size": Heading("Micro-batch size", "images"),
    },
    "Shared weights": {
        "shared_steps": Heading("Steps of the shared weights", kinds=("shared",)),
        "shared_learning_rate": Heading("Learning rate of the shared weights", kinds=("shared",)),
        "shared_ema_decay": Heading("Moving average of the shared weights", kinds=("shared",)),
        "shared_seed": Heading("Seed of the shared weights", kinds=("shared",)),
    },
    "Optimisation": {
        "optimizer": Heading("Optimizer"),
        "schedule": Heading("Schedule"),
        "learning_rate": Heading("Learning rate"),
        "reference_batch_size": Heading("Reference batch size", "images"),
        "warmup_steps": Heading("Warm-up", "steps"),
        "momentum": Heading("Momentum"),
        "second_moment_decay": Heading("Second-moment decay"),
        "weight_decay": Heading("Weight decay"),
        "clip_norm": Heading("Gradient norm limit"),
        "bn_momentum": Heading("Batch-norm momentum"),
        "ema_decay": Heading("Moving average of the weights"),
        "stochastic_depth": Heading("Stochastic depth"),
    },
    "Augmentation": {
        "flip": Heading("Flip"),
        "scale_min": Heading("Smallest scale"),
        "scale_max": Heading("Largest scale"),
    },
    "Evaluation": {
        "reserved_images": Heading("Reserved images", "images"),
        "reserve_from": Heading("Reserve from"),
        "recalibration_images": Heading("Recalibration images", "images"),
        "evaluate_steps": Heading("Evaluate every", "steps", ()),
    },
    "Execution": {
        "checkpoint_steps": Heading("Checkpoint every", "steps"),
        "precision": Heading("Precision"),
        "jit_compile": Heading("Compile with XLA"),
    },
}
"""Every field of `search_space.proxy_task.FIELDS` once."""
