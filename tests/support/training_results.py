"""Proxy-check studies and results for tests, without training."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from nas_controller.proxy_check.results import Result, Results
from nas_controller.proxy_check.study import Study, Training, design
from search_space.proxy_task import resolve
from search_space.space import SearchSpace, Widths


@cache
def synthetic_study(architectures: int = 4, seeds: int = 2, reference: bool = True, seconds: float = 0.0) -> Study:
    """A study with the synthetic reward, which trains nothing; cached, since drawing architectures is slow."""
    return design(
        SearchSpace(),
        resolve("synthetic", seconds=seconds),
        None,
        architectures=architectures,
        seeds=seeds,
        reference_factor=8 if reference else None,
        seed=1,
    )


def result(study: Study, training: Training, reward: float | None, seconds: float = 60.0) -> Result:
    """A made-up result of a training of the study; without a reward it has failed."""
    return Result(
        base=study.base.name,
        widths=training.widths,
        task=training.task.to_dict(),
        seed=training.seed,
        dataset=study.dataset,
        threads=2,
        at_once=1,
        reward=reward,
        metrics={} if reward is None else {"ap": reward, "seconds": seconds},
        error="the loss is not finite" if reward is None else None,
        effspine="0",
    )


def results_of(study: Study, reward: Callable[[Training], float | None], trainings: int | None = None) -> Results:
    """The results of the first `trainings` trainings, or of all."""
    results = (result(study, training, reward(training)) for training in study.trainings()[:trainings])
    return {result.key: result for result in results}


def even_widths(number: int) -> Widths:
    """An architecture all of whose blocks have the same width, another for each number."""
    return (8 * (number + 1),) * 18


def truth_results(rewards: Sequence[Sequence[float | None]], **changes: Any) -> list[Result]:
    """Made-up results of architectures trained alone, with these rewards [architectures][seeds]; None is a failure."""
    task = resolve("laptop-alone").to_dict()
    fields: dict[str, Any] = {"base": SearchSpace().base.name, "task": task, "dataset": "/digits", "effspine": "0"}
    made_up = {"threads": 1, "at_once": 1, "metrics": {}, "error": None}
    return [
        Result(**(fields | made_up | {"widths": even_widths(number), "seed": 1 + index, "reward": reward} | changes))
        for number, of_seeds in enumerate(rewards)
        for index, reward in enumerate(of_seeds)
    ]


def write_results(path: Path, results: Sequence[Result]) -> Path:
    """Writes a results file; returns its path."""
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in results))
    return path
