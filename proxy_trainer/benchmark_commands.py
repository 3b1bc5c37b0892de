"""`effspine bench engine`, `effspine bench memory` and `effspine bench evaluation`.

effspine bench engine                        the engine beside Keras; some minutes a round on two cores
effspine bench memory                        200 architectures in one process; some minutes
effspine bench evaluation --images 7392      as many images as the published search reserves for rewards
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from proxy_trainer.printing import print_facts, print_json, print_table

engine_app = typer.Typer(add_completion=False)
memory_app = typer.Typer(add_completion=False)
evaluation_app = typer.Typer(add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@engine_app.command()
def engine(
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; figures are medians over all of them.")] = 3,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the engine beside a plain Keras model of the same network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.engine_benchmark import engine_benchmark

    found = engine_benchmark(repeats, threads or len(os.sched_getaffinity(0)), _say)
    if as_json:
        print_json(found)
        return
    rows = [
        _beside_keras("another architecture, to the end of its first step", "first_step", found),
        _beside_keras("step", "step", found),
        ("step, threads shared", f"{found['step_seconds_shared_threads']:.3g}"),
        ("process start, to the end of its first step", f"{found['cold_first_step_seconds']:.3g}"),
    ]
    print_table(("seconds", "effspine", "Keras", "Keras, threads shared", "ratio to the better"), rows)


@memory_app.command()
def memory(
    architectures: Annotated[int, typer.Option(min=21, help="How many; the first 20 are a warm-up.")] = 200,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure whether a worker's memory grows with the architectures that it has trained."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.memory_benchmark import memory_benchmark

    found = memory_benchmark(architectures, threads or len(os.sched_getaffinity(0)), _say)
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
    """Measure the COCO figures of random detections beside pycocotools."""
    from proxy_trainer.evaluation_benchmark import evaluation_benchmark

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


def _beside_keras(title: str, name: str, found: dict[str, Any]) -> tuple[str, ...]:
    keras = found[f"keras_{name}_seconds_by_threads"]
    seconds = (found[f"{name}_seconds"], keras["own_threads"], keras["shared_threads"])
    return (title, *(f"{value:.3g}" for value in seconds), f"{found[f'{name}_ratio']:.2f}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _seconds(value: float) -> str:
    return f"{value:.3g} s"
