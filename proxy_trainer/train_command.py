"""`effspine train`: train one network with a recipe, here, resumable.

effspine train Eff-SpineNet-D0 --data DIR --recipe laptop-final --out RUN    minutes on two cores
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy_trainer.data_commands import AsJson
from proxy_trainer.printing import print_facts
from proxy_trainer.threads import thread_count
from search_space.catalogue import TASKS
from search_space.display import duration
from search_space.terminal import note, print_json, print_text

if TYPE_CHECKING:
    from proxy_trainer.training.training_options import Training
    from proxy_trainer.training.training_run import RunProgress, RunResult

train_app = typer.Typer(add_completion=False)


@train_app.command()
def train(
    architecture: Annotated[
        str,
        typer.Argument(
            metavar="ARCHITECTURE",
            help="A model of `effspine models`, 18 widths, a block specification file or a model directory.",
        ),
    ],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the data set.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the run; the same again continues it.")],
    recipe: Annotated[str, typer.Option(metavar="NAME", help="Such as paper, paper-72 or laptop-final.")],
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "detection",
    start: Annotated[str, typer.Option(help="fresh, a model directory, or shared: weights of a search.")] = "fresh",
    profile: Annotated[str, typer.Option(help="With --start shared: the profile of the search.")] = "laptop",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Replace one field of the recipe.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights and batches.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    evaluate_epochs: Annotated[
        int | None, typer.Option(min=0, help="Epochs between evaluations; default: the recipe's; 0: at the end.")
    ] = None,
    evaluate_steps: Annotated[int | None, typer.Option(min=1, help="The same in steps.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train one network with a recipe; the best weights become a model directory."""
    from proxy_trainer.tasks.trainings import build_training
    from proxy_trainer.training.training_options import TrainOptions
    from search_space.data_dir import data_dir
    from search_space.proxy_task import parse_overrides

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = TrainOptions(
        architecture=architecture,
        data=data,
        recipe=recipe,
        cache_dir=data_dir() / "cache",
        overrides=parse_overrides(overrides or []),
        start=start,
        profile=profile,
        seed=seed,
        threads=thread_count(threads),
        evaluate_steps=evaluate_steps,
        evaluate_epochs=evaluate_epochs,
    )
    training = build_training(task, options)
    for sentence in training.notes:
        note(sentence)
    result, status = _run(training, out, data)
    document = _document(training, result, out)
    if as_json:
        print_json(document)
    else:
        _print_result(training, result, out)
    if status:
        raise typer.Exit(status)


def _run(training: Training, out: Path, data: Path) -> tuple[RunResult, int]:
    """Trains until the end or a signal; returns the result and the exit status."""
    from proxy_trainer.training.error_classification import classify_error
    from proxy_trainer.training.termination import termination_requests
    from proxy_trainer.training.training_run import TrainingRun

    run = TrainingRun(
        training.trainee, training.course, out, identity=training.identity, description=training.description
    )
    with termination_requests() as requested, _progress(training.trainee.main_metric) as show:
        try:
            result = run.run(show, requested.is_requested)
        except Exception as error:
            found = classify_error(error, training.task, data)
            if found is None:
                raise
            raise found from error
    return result, 0 if result.is_complete else requested.exit_status


@contextmanager
def _progress(metric: str) -> Iterator[Callable[[RunProgress], None]]:
    """A progress bar with the time left on a terminal; elsewhere a line for each evaluation."""
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    is_terminal = sys.stderr.isatty()
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not is_terminal) as bar:
        task = bar.add_task("training", total=None, text="")
        reported: list[int] = []

        def show(now: RunProgress) -> None:
            bar.update(task, completed=now.step, total=now.steps, text=_progress_text(now, metric))
            if now.last is not None and now.last.step == now.step and now.step not in reported and not is_terminal:
                reported.append(now.step)
                note(f"step {now.step} of {now.steps}: {_progress_text(now, metric)}")

        yield show


def _progress_text(now: RunProgress, metric: str) -> str:
    """One line: the time left, the loss, the latest and the best main metric."""
    parts = [] if now.seconds_left is None else [f"{duration(now.seconds_left)} left"]
    if now.loss is not None:
        parts.append(f"loss {now.loss:.4g}")
    if now.last is not None and now.best is not None:
        parts.append(f"{metric} {now.last.figures[metric]:.4f}, best {now.best.figures[metric]:.4f}")
    return ", ".join(parts)


def _document(training: Training, result: RunResult, out: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "directory": str(out),
        "is_complete": result.is_complete,
        "steps": training.course.steps,
        "steps_done": result.steps_done,
        "main_metric": training.trainee.main_metric,
        **asdict(result.state),
    }


def _print_result(training: Training, result: RunResult, out: Path) -> None:
    from search_space.run_files import BEST

    state = result.state
    if not result.is_complete:
        print_text(f"stopped after step {result.steps_done} of {training.course.steps}; the same command continues")
        return
    assert state.best is not None
    print_facts([(name, "-" if value is None else f"{value:.4f}") for name, value in state.best.figures.items()])
    seconds = state.train_seconds + state.evaluate_seconds
    print_text(f"best after epoch {state.best.epoch:.1f}, in {out / BEST}; trained for {duration(seconds)}")
