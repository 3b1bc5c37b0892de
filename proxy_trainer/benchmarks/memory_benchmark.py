"""Measures whether the memory of a warm worker grows with the architectures it trains (`effspine bench memory`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from search_space.space import SearchSpace

WARM_UP = 20
"""Number of architectures after which allocators and kernel caches stop growing."""

STEPS = 2
_BYTES_PER_MB = 1e6


def memory_benchmark(architectures: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """The document that `effspine bench memory --json` prints.

    One engine trains random architectures of the search space for a few steps each, and detects with each. `rss_mb` is
    the resident memory in MB after every tenth architecture, `growth_mb` the growth from the first `WARM_UP`
    architectures to the last. Raises ValueError for `WARM_UP` architectures or fewer.
    """
    if architectures <= WARM_UP:
        raise ValueError(f"{architectures} architectures are too few; the first {WARM_UP} are a warm-up")
    from proxy_trainer.engine import runtime

    runtime.start(threads)
    from proxy_trainer.benchmarks.engine_benchmark import CLASSES, TASK, random_batch
    from proxy_trainer.engine.engine import Engine

    engine, batch = Engine(TASK, CLASSES), random_batch(TASK)
    space, rng = SearchSpace(), np.random.default_rng(0)
    rss = []
    for number in range(1, architectures + 1):
        widths = space.candidate(rng.choice(space.choices, space.num_blocks).tolist()).widths
        engine.load(space.architecture(widths), seed=number)
        for step in range(STEPS):
            engine.train_step(batch, TASK.learning_rate, (number, step))
        engine.detect(batch.pixels, batch.sizes)
        rss.append(_rss_mb())
        if number % 10 == 0:
            progress(f"{number} of {architectures} architectures, {rss[-1]:.0f} MB")
    return {
        "architectures": architectures,
        "growth_mb": round(rss[-1] - rss[WARM_UP - 1], 1),
        "rss_mb": [round(value, 1) for value in rss[9::10]],
        "traces": list(engine.traces()),
        "image_px": TASK.image_px,
        "batch_size": TASK.batch_size,
        "threads": threads,
    }


def _rss_mb() -> float:
    """The resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _BYTES_PER_MB
