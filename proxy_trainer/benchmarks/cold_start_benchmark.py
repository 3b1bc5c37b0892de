"""The engine's cold start compared with another version (`effspine bench engine --against DIR`).

The versions alternate, each in a fresh process, so that other load on the machine slows both, and ratios are taken
within a round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_trainer.native_output import suppress_native_output
from search_space.errors import InvalidValueError

STEPS = 14
WARM_UP_STEPS = 2

# It finds modules by file name, because their packages differ between versions.
_SCRIPT = """
import json, statistics, sys, time
from importlib import import_module
from pathlib import Path

def module(name):
    return import_module(".".join(next(Path("proxy_trainer").rglob(name + ".py")).with_suffix("").parts))

runtime, engine, benchmark = map(module, ("runtime", "engine", "engine_benchmark"))
task = benchmark.TASK
runtime.start(int(sys.argv[1]))
engine, batch = engine.Engine(task, benchmark.CLASSES), benchmark.random_batch(task)
engine.load(benchmark.SP_EFFICIENTNET_B0, seed=0)
loss = engine.train_step(batch, task.learning_rate, (0, 0)).total
first_step_at, steps = time.monotonic(), []
for _ in range(int(sys.argv[2])):
    started = time.perf_counter()
    engine.train_step(batch, task.learning_rate, (0, 0))
    steps.append(time.perf_counter() - started)
print(json.dumps({"first_step_at": first_step_at, "loss": loss, "steps": steps}))
"""


@dataclass(frozen=True)
class ColdStart:
    """The measurements of one process, in seconds: from its start to the end of its first step, and a steady step.

    `loss` is the loss of the first step.
    """

    cold: float
    step: float
    loss: float


def cold_start_benchmark(against: Path, repeats: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """The document that `effspine bench engine --against DIR --json` prints: medians over `repeats` rounds.

    Ratios are this version over the one in `against`; below 1, this version is faster. Raises InvalidValueError where
    `against` is no checkout.
    """
    if not (against / "proxy_trainer").is_dir():
        raise InvalidValueError(f"{against} is no checkout of effspine", field="against")
    own_checkout = Path(__file__).resolve().parents[2]
    rounds = []
    for number in range(1, repeats + 1):
        progress(f"round {number} of {repeats}")
        # The order alternates, because the first process of a round reads TensorFlow's files from disk.
        order = (own_checkout, against) if number % 2 else (against, own_checkout)
        measured = {checkout: cold_start(checkout, threads) for checkout in order}
        rounds.append((measured[own_checkout], measured[against]))
    own, other = zip(*rounds, strict=True)
    return {
        "cold_first_step_seconds": round(statistics.median(each.cold for each in own), 2),
        "against_cold_first_step_seconds": round(statistics.median(each.cold for each in other), 2),
        "cold_ratio": round(statistics.median(one.cold / two.cold for one, two in rounds), 3),
        "step_seconds": round(statistics.median(each.step for each in own), 4),
        "against_step_seconds": round(statistics.median(each.step for each in other), 4),
        "steady_ratio": round(statistics.median(one.step / two.step for one, two in rounds), 3),
        "first_loss": own[0].loss,
        "against_first_loss": other[0].loss,
        "repeats": repeats,
        "threads": threads,
    }


def cold_start(checkout: Path, threads: int) -> ColdStart:
    """The cold start of the version in a checkout, in a process with this Python environment."""
    started = time.monotonic()
    with suppress_native_output():
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(threads), str(WARM_UP_STEPS + STEPS)],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE,
            check=True,
        )
    measured = json.loads(done.stdout)
    steps = measured["steps"][WARM_UP_STEPS:]
    return ColdStart(measured["first_step_at"] - started, statistics.median(steps), measured["loss"])
