"""How much of a proxy task's reward is the architecture, and how much is the seed.

    .venv/bin/python tools/profile_study.py --out study.jsonl --architectures 6 --seeds 3 [--set steps=200]

Trains the uniform baseline and architectures spread over the search space, each with several seeds, and prints the
variance between architectures and within them, the intraclass correlation, and the seconds a trial took. Every
training is a line of the output file; those that are there already are not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from search_space.data_dir import data_dir
from search_space.proxy_task import parse_overrides, resolve
from search_space.space import CHOICES, SearchSpace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data_dir() / "datasets" / "digits")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--architectures", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    overrides = parse_overrides(arguments.overrides)
    rows = run(arguments, overrides)
    print(json.dumps({"profile": arguments.profile, "overrides": overrides, **summary(rows)}, indent=2))


def run(arguments: argparse.Namespace, overrides: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of all trainings asked for, old and new."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from proxy_trainer.proxy import ProxyWorker

    space, task = SearchSpace(), resolve(arguments.profile, **overrides)
    done = read(arguments.out)
    rows = []
    for seed in range(1, arguments.seeds + 1):
        worker = None
        for number, widths in enumerate(architectures(space, arguments.architectures)):
            key = (json.dumps(task.to_dict(), sort_keys=True), seed, widths)
            if key not in done:
                worker = worker or ProxyWorker(task, arguments.data, data_dir() / "cache", seed, os.cpu_count() or 1)
                metrics = worker.run(space.architecture(widths))
                done[key] = {"task": task.to_dict(), "seed": seed, "architecture": number, "widths": widths, **metrics}
                with arguments.out.open("a") as file:
                    file.write(json.dumps(done[key]) + "\n")
            rows.append(done[key])
    return rows


def architectures(space: SearchSpace, count: int) -> list[tuple[int, ...]]:
    """The baseline and random architectures, the same ones every time."""
    rng = np.random.default_rng(2020)
    sampled = [space.candidate(rng.choice(CHOICES, space.num_blocks).tolist()).widths for _ in range(count - 1)]
    return [space.baseline.widths, *sampled]


def read(path: Path) -> dict[tuple[str, int, tuple[int, ...]], dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {(json.dumps(row["task"], sort_keys=True), row["seed"], tuple(row["widths"])): row for row in rows}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean squares of the one-way layout and the intraclass correlation ICC(1) of the reward."""
    rewards = defaultdict(list)
    for row in rows:
        rewards[row["architecture"]].append(row["ap"])
    groups = [np.array(group) for group in rewards.values()]
    seeds = len(groups[0])
    between = seeds * float(np.var([group.mean() for group in groups], ddof=1))
    within = float(np.mean([group.var(ddof=1) for group in groups]))
    variations = [float(group.std(ddof=1) / group.mean()) for group in groups]
    return {
        "rewards": {str(number): [round(ap, 4) for ap in group] for number, group in rewards.items()},
        "means": [round(float(group.mean()), 4) for group in groups],
        "intraclass_correlation": round((between - within) / (between + (seeds - 1) * within), 3),
        "median_coefficient_of_variation": round(statistics.median(variations), 3),
        "median_seconds": round(statistics.median(row["seconds"] for row in rows), 1),
    }


if __name__ == "__main__":
    main()
