"""Runs searches without a campaign: the proposals and updates are those of `nas_controller.search.proposals`."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nas_controller.benchmarks.searchers.landscapes import Landscape
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.proposals import Search, SpaceExhaustedError
from search_space.space import Widths

Document = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The true value of the best architecture by its rewards, after each trial [trials], and the skipped repeats."""

    incumbent: NDArray[np.float64]
    repeats: int


def run(landscape: Landscape, controller: Document, seed: int, trials: int) -> Run:
    """Searches `trials` architectures, one after another."""
    spec = CampaignSpec.model_validate(
        {"name": "benchmark", "trials": trials, "seed": seed, "controller": controller,
         "proxy_task": {"profile": "synthetic"}}
    )  # fmt: skip
    search = Search(spec)
    rewards: dict[Widths, float] = {}
    values = np.zeros(trials)
    best, repeats = -1.0, 0
    for number in range(trials):
        try:
            proposal = search.propose(number, rewards.__contains__)
        except SpaceExhaustedError:
            values[number:] = values[number - 1]
            break
        widths = proposal.candidate.widths
        reward = rewards.setdefault(widths, landscape.reward(widths, seed))
        sample = (proposal.choices, proposal.log_probability)
        search.controller = search.updated_controller(*sample, reward, False, None, proposal.candidate.params)
        repeats += proposal.repeats
        is_better = reward > best
        values[number] = landscape.value(widths) if is_better else values[number - 1]
        best = max(best, reward)
    return Run(values, repeats)


Key = tuple[int, int, int]
"""The indices of the landscape and the controller, and the seed."""


def run_all(
    landscapes: Sequence[Landscape],
    controllers: Sequence[Document],
    seeds: int,
    trials: int,
    show: Callable[[int, int], None],
) -> dict[Key, Run]:
    """Runs every controller on every landscape with the seeds 1 to `seeds`, on all processors; `show` gets the number
    of finished runs and of all.
    """
    keys = [
        (place, which, seed)
        for seed in range(1, seeds + 1)
        for place in range(len(landscapes))
        for which in range(len(controllers))
    ]
    found: dict[Key, Run] = {}
    with ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn"), initializer=_begin, initargs=(landscapes,)
    ) as pool:
        futures = {pool.submit(_run, key, controllers[key[1]], trials): key for key in keys}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            show(len(found), len(keys))
    return found


_landscapes: Sequence[Landscape] = ()


def _begin(landscapes: Sequence[Landscape]) -> None:
    """Prepares a process: its landscapes, and one thread, since every processor has a process."""
    global _landscapes
    threadpool_limits(1)
    _landscapes = landscapes


def _run(key: Key, controller: Document, trials: int) -> Run:
    place, _, seed = key
    return run(_landscapes[place], controller, seed, trials)
