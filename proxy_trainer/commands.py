"""`effspine data`, in `data_commands`, and `effspine proxy`: train and score one architecture.

effspine proxy --widths 16,24,... --profile laptop --data DIR    minutes on two cores
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy_trainer.data_commands import AsJson, data_app
from proxy_trainer.printing import print_facts, progress_bar
from proxy_trainer.threads import thread_count
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES
from search_space.terminal import print_json

if TYPE_CHECKING:
    from search_space.proxy_task import ProxyTask

proxy_app = typer.Typer(add_completion=False)

__all__ = ["data_app", "proxy_app"]

_TRAINED_PROFILES = tuple(name for name, task in PROFILES.items() if task.kind != "synthetic")
_DEFAULT_CHECKPOINTS = 10
"""Checkpoints of a training whose profile sets no `checkpoint_steps`."""


@proxy_app.command()
def proxy(
    data: Annotated[Path, typer.Option(metavar="DIR", help="COCO directory of images and annotations.")],
    widths: Annotated[
        str | None, typer.Option(help="18 channel widths, separated by commas, at the scale of D0.")
    ] = None,
    architecture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of widths: an exported block specification.")
    ] = None,
    profile: Annotated[str, typer.Option(help=f"Profile of the task: {', '.join(_TRAINED_PROFILES)}.")] = "laptop",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Replace one field of the proxy task.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights, batches and reserved images.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the training here regularly; run again to resume.")
    ] = None,
    keep_checkpoint: Annotated[
        bool, typer.Option("--keep-checkpoint", help="Keep the checkpoint when the training is done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train and score one proxy network in this process, and print its COCO metrics."""
    from search_space.data_dir import data_dir
    from search_space.option_values import architecture_from_options
    from search_space.space import SearchSpace

    candidate = architecture_from_options(widths, architecture)
    task = _training_task(profile, overrides or [], checkpoints=checkpoint is not None)
    if keep_checkpoint and checkpoint is None:
        raise InvalidValueError("--keep-checkpoint needs --checkpoint FILE")

    from proxy_trainer.data.coco_directory import find_splits
    from proxy_trainer.native_output import suppress_native_output

    find_splits(data)  # fail on a wrong directory before TensorFlow is loaded
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with suppress_native_output():
        from proxy_trainer.engine import runtime
        from proxy_trainer.training.checkpoint import check_overwritable
        from proxy_trainer.training.proxy_worker import ProxyWorker
        from proxy_trainer.training.trial_run import Progress

        if checkpoint is not None:
            check_overwritable(checkpoint)
        runtime.start(thread_count(threads))
    space = SearchSpace() if task.kind == "shared" else None
    worker = ProxyWorker(task, data, data_dir() / "cache", seed, thread_count(threads), space)
    with progress_bar("shared weights") as supernet_bar, progress_bar("training") as trial_bar:

        def show(now: Progress) -> None:
            (supernet_bar if now.of_supernet else trial_bar)(now.step, now.steps)

        metrics = worker.run(candidate, show, checkpoint=checkpoint, keep=keep_checkpoint)
    if as_json:
        print_json(metrics)
        return
    print_facts([(name, "-" if value is None else f"{value:.4g}") for name, value in metrics.items()])


def _training_task(profile: str, overrides: list[str], *, checkpoints: bool) -> ProxyTask:
    """The proxy task of a real training. Raises InvalidValueError for a synthetic one and for invalid overrides."""
    from search_space.proxy_task import parse_overrides, resolve

    task = resolve(profile, **parse_overrides(overrides))
    if task.kind == "synthetic":
        raise InvalidValueError(f"profile {profile} trains nothing; use another one", field="proxy_task.profile")
    if checkpoints and task.steps == 0:
        raise InvalidValueError("--checkpoint saves the steps of a training; this task has 0 steps of its own")
    if checkpoints and not task.checkpoint_steps:
        return replace(task, checkpoint_steps=math.ceil(task.steps / _DEFAULT_CHECKPOINTS))
    return task
