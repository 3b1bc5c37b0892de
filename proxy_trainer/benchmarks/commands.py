"""`effspine bench engine`, `profile`, `settings`, `memory` and `evaluation`.

effspine bench engine                        the engine compared with Keras; some minutes per round on two cores
effspine bench engine --against DIR          its cold start compared with that of the checkout in DIR
effspine bench profile                       the operations of a step; under a minute
effspine bench settings                      a step under other thread counts and settings; some minutes per round
effspine bench memory                        200 architectures in one process; some minutes
effspine bench evaluation --images 7392      as many images as the published search reserves for rewards
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy_trainer.printing import print_facts
from proxy_trainer.threads import thread_count
from search_space.terminal import print_json
from search_space.terminal_table import print_table

engine_app = typer.Typer(add_completion=False)
profile_app = typer.Typer(add_completion=False)
settings_app = typer.Typer(add_completion=False)
memory_app = typer.Typer(add_completion=False)
evaluation_app = typer.Typer(add_completion=False)

MIN_SHARE = 0.005
"""Operations with a smaller share of the total time are left out of the table."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@engine_app.command()
def engine(
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over all of them.")] = 3,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    against: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Checkout of another version: compare only the cold starts.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the engine with a plain Keras model of the same network, or with another version of the engine."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if against is not None:
        _cold_starts(against.resolve(), repeats, threads, as_json)
        return
    from proxy_trainer.benchmarks.engine_benchmark import engine_benchmark

    found = engine_benchmark(repeats, thread_count(threads), _print_progress)
    if as_json:
        print_json(found)
        return
    rows = [
        _keras_row("another architecture, to the end of its first step", "first_step", found),
        _keras_row("step", "step", found),
        ("step, threads shared", f"{found['step_seconds_shared_threads']:.3g}", "", "", ""),
        ("process start, to the end of its first step", f"{found['cold_first_step_seconds']:.3g}", "", "", ""),
    ]
    print_table(
        ("seconds", "effspine", "Keras", "Keras, threads shared", "ratio to the faster"), rows, left=("seconds",)
    )
    own, shared = (found["step_ratio_by_threads"][layout] for layout in ("own_threads", "shared_threads"))
    print()
    print_facts(
        [
            ("step, alternating with Keras in one process", f"ratio {own:.2f}, threads shared {shared:.2f}"),
            ("step, Keras with default threads", f"ratio {found['step_ratio_to_keras_as_it_comes']:.2f}"),
        ]
    )


@profile_app.command()
def profile(
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Profile the step of the engine and compare it with the limits of the machine."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.benchmarks.engine_benchmark import TASK
    from proxy_trainer.benchmarks.profile_benchmark import profile_benchmark

    found = profile_benchmark(TASK, thread_count(threads), _print_progress)
    if as_json:
        print_json(found)
        return
    rows = [
        (each["type"], f"{each['count']:.0f}", f"{each['ms']:.2f}", f"{100 * each['share']:.1f} %")
        for each in found["operations"]
        if each["share"] >= MIN_SHARE
    ]
    print_table(("operation", "count", "ms", "share"), rows, left=("operation",))
    print()
    print_facts(
        [
            ("step", f"{_seconds(found['step_seconds'])}, {found['threads_busy']:.2f} threads busy with operations"),
            ("multi-adds", f"{found['madds']:,}, of which forward {found['forward_madds']:,}"),
            ("at the matrix limit", _bound(found, "arithmetic", f"{found['matrix_gflops_a_second']:.0f} GFLOP/s")),
            ("memory traffic", f"at least {found['bytes'] / 1e6:,.0f} MB"),
            ("at the memory limit", _bound(found, "memory", f"{found['memory_gb_a_second']:.1f} GB/s")),
        ]
    )


@settings_app.command()
def settings(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over them.")] = 3,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the step of the engine with other thread counts and settings of TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.benchmarks.engine_benchmark import TASK
    from proxy_trainer.benchmarks.settings_benchmark import settings_benchmark

    found = settings_benchmark(TASK, rounds, thread_count(threads), _print_progress)
    if as_json:
        print_json(found)
        return
    rows = [(each["name"], f"{each['step_seconds']:.3g}", f"{each['ratio']:.2f}") for each in found["settings"]]
    print_table(("setting", "seconds per step", "ratio"), rows, left=("setting",))


@memory_app.command()
def memory(
    architectures: Annotated[int, typer.Option(min=21, help="Architectures; the first 20 are a warm-up.")] = 200,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure whether the memory of a worker grows with the architectures it has trained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.benchmarks.memory_benchmark import memory_benchmark

    found = memory_benchmark(architectures, thread_count(threads), _print_progress)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("architectures", f"{found['architectures']:,} through {found['traces'][0]} training graph"),
            ("memory at the end", f"{found['rss_mb'][-1]:,.0f} MB"),
            ("growth after the warm-up", f"{found['growth_mb']:+.0f} MB"),
        ]
    )


@evaluation_app.command()
def evaluation(
    images: Annotated[int, typer.Option(min=1, help="Images, with 100 detections each.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Compare the COCO evaluation of random detections with that of pycocotools."""
    from proxy_trainer.benchmarks.evaluation_benchmark import evaluation_benchmark

    found = evaluation_benchmark(images)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            (
                "images",
                f"{found['images']:,} with {found['detections']:,} detections of {found['categories']} categories",
            ),
            ("effspine", _seconds(found["seconds"])),
            ("pycocotools", _seconds(found["pycocotools_seconds"])),
            ("ratio", f"{found['ratio']:.1f}"),
            ("largest difference", f"{found['max_difference']:.1g}"),
        ]
    )


def _cold_starts(against: Path, repeats: int, threads: int, as_json: bool) -> None:
    from proxy_trainer.benchmarks.cold_start_benchmark import cold_start_benchmark

    found = cold_start_benchmark(against, repeats, thread_count(threads), _print_progress)
    if as_json:
        print_json(found)
        return
    rows = [
        (title, *(f"{found[name]:.3g}" for name in (seconds, f"against_{seconds}", ratio)))
        for title, seconds, ratio in (
            ("process start, to the end of its first step", "cold_first_step_seconds", "cold_ratio"),
            ("step", "step_seconds", "steady_ratio"),
        )
    ]
    print_table(("seconds", "this version", "other version", "ratio"), rows, left=("seconds",))


def _keras_row(title: str, name: str, found: dict[str, Any]) -> tuple[str, ...]:
    keras = found[f"keras_{name}_seconds_by_threads"]
    seconds = (found[f"{name}_seconds"], keras["own_threads"], keras["shared_threads"])
    return (title, *(f"{value:.3g}" for value in seconds), f"{found[f'{name}_ratio']:.2f}")


def _bound(found: dict[str, Any], name: str, ceiling: str) -> str:
    seconds = _seconds(found[f"{name}_seconds"])
    return f"{seconds} with {ceiling}; the step takes {found[f'step_over_{name}']:.1f} times that"


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _seconds(value: float) -> str:
    return f"{value:.3g} s"
