"""What fields of a campaign contradict the proxy task: the reason that a caller is given, or None."""

from __future__ import annotations

from search_space.proxy_task import ProxyTask

MAX_EVALUATIONS = 500  # of a trial with early stopping; the store keeps at least this many points of a curve
_STOPPED_BEFORE_LATENCY = (
    "latency is measured at the end of a trial, which one that is stopped early does not reach; give either latency or "
    "early_stopping"
)


def tpu_obstacle(task: ProxyTask, tpus: int) -> str | None:
    """Why trials of this task cannot take so many TPU chips; None if they can."""
    if tpus and task.kind == "shared":
        return (
            f"tpus is {tpus}; a task of kind shared trains and scores another architecture every few steps, and XLA, "
            "which TPUs need, would compile a graph for each; take processors or GPUs, or a profile that trains each "
            "architecture alone"
        )
    return None


def early_stopping_obstacle(task: ProxyTask, measures_latency: bool) -> str | None:
    """Why trials of this task cannot be stopped early; None if they can."""
    if measures_latency:
        return _STOPPED_BEFORE_LATENCY
    if task.evaluate_steps == 0:
        return "the proxy task scores no trial before its end; give proxy_task.evaluate_steps"
    if task.kind == "synthetic":
        return None
    if task.evaluate_steps >= task.steps:
        return (
            f"proxy_task.evaluate_steps is {task.evaluate_steps:,}, which is not before the end of a trial, "
            f"{task.steps:,} steps"
        )
    if task.steps // task.evaluate_steps > MAX_EVALUATIONS:
        min_steps = task.steps // MAX_EVALUATIONS + 1
        return (
            f"proxy_task.evaluate_steps is {task.evaluate_steps:,} of {task.steps:,} steps; a trial that may be "
            f"stopped early is scored {MAX_EVALUATIONS} times at most, so give {min_steps:,} or more"
        )
    return None
