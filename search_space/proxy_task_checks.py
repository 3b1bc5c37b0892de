"""Checks of fields of a proxy task that are valid alone and may contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_space.errors import InvalidValueError

if TYPE_CHECKING:
    from search_space.proxy_task import ProxyTask

LARGEST_RATE = 10.0
"""The largest learning rate, before and after scaling with the batch size."""


def check_together(task: ProxyTask) -> None:
    """Raises InvalidValueError, with the field, where two fields contradict each other."""
    if task.scale_min > task.scale_max:
        raise InvalidValueError(
            f"scale_min is {task.scale_min} and scale_max is {task.scale_max}; scale_min must not be the larger",
            field="proxy_task.scale_min",
        )
    if task.warmup_steps > task.steps:
        raise InvalidValueError(
            f"warmup_steps is {task.warmup_steps}; it must not be more than steps, {task.steps}",
            field="proxy_task.warmup_steps",
        )
    if task.kind == "shared" and task.shared_steps == 0:
        raise InvalidValueError(
            "shared_steps is 0; a task of kind shared trains its shared weights for at least 1 step",
            field="proxy_task.shared_steps",
        )
    if task.recalibration_images == 1:
        raise InvalidValueError(
            "recalibration_images is 1; it must be at least 2, or 0 for the running statistics of the training",
            field="proxy_task.recalibration_images",
        )
    if task.kind == "shared" and task.steps == task.recalibration_images == 0:
        raise InvalidValueError(
            "recalibration_images is 0; it must be at least 2 where slices are scored without steps of their own, "
            "since the running statistics of the shared weights fit no single slice",
            field="proxy_task.recalibration_images",
        )
    if task.kind == "detection" and task.steps == 0:
        raise InvalidValueError(
            "steps is 0; only a task of kind shared scores architectures that are not trained", field="proxy_task.steps"
        )
    if task.kind == "shared" and task.jit_compile:
        raise InvalidValueError(
            "jit_compile is true; a task of kind shared trains another architecture every few steps, and XLA would "
            "compile a graph for each",
            field="proxy_task.jit_compile",
        )
    if task.peak_learning_rate > LARGEST_RATE:
        raise InvalidValueError(
            f"learning_rate is {task.learning_rate:g} for {task.reference_batch_size} images, which scales to "
            f"{task.peak_learning_rate:g} for batch_size, {task.batch_size}; it must scale to at most {LARGEST_RATE:g}",
            field="proxy_task.learning_rate",
        )
    if task.micro_batch_size and task.batch_size % task.micro_batch_size:
        raise InvalidValueError(
            f"micro_batch_size is {task.micro_batch_size}; batch_size, {task.batch_size}, must be a multiple of it",
            field="proxy_task.micro_batch_size",
        )
