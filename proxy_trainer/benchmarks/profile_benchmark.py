"""Profiles the steady step of the engine and compares it with the limits of the machine (`effspine bench profile`).

TensorFlow's profiler times every kernel of some steps; times are summed by type of operation. Two limits are measured
in the same call: the rate of large matrix products, for the arithmetic of the convolutions, and the rate of copies of
large arrays, for the memory traffic of feature maps and weights.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proxy_trainer.benchmarks.fresh_process import run_in_fresh_process
from search_space.architecture import Architecture
from search_space.cost import CostOps, FeatureSize
from search_space.networks.retinanet import retinanet
from search_space.proxy_task import ProxyTask
from search_space.published import EFF_SPINENET_D0

WARM_UP_STEPS = 4
STEPS = 10
MATRIX_SIDE = 1024
COPIED_FLOATS = 2**25
"""Each thread copies 128 MiB, more than the caches hold."""

LIMIT_ROUNDS = 5
BYTES_PER_VALUE = 4

MAP_PASSES = 5
"""Minimum number of passes over the output of each convolution with batch normalisation: it is written and read in the
forward pass; in the backward pass it is read again, and its gradient is written and read.
"""

WEIGHT_PASSES = 8
"""Passes over the weights: weights, momentum, average and gradient are each written and read."""

_KERNEL = re.compile(r"[^\s:]+:(\w+)")


@dataclass(frozen=True)
class Operation:
    """The kernels of one type in a step: their number, and their total milliseconds over all threads."""

    type: str
    count: float
    ms: float


@dataclass(frozen=True)
class StepCost:
    """Lower bounds for a step: multi-adds forward, multi-adds forward and backward, bytes read and written."""

    forward_madds: int
    madds: int
    bytes: int

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each multi-add."""
        return 2 * self.madds


@dataclass(frozen=True)
class Profile:
    """The measurements of one process: the steady step in seconds, its kernels, and the limits of the machine."""

    step_seconds: float
    operations: tuple[Operation, ...]
    matrix_flops_per_second: float
    copied_bytes_per_second: float


def profile_benchmark(task: ProxyTask, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """The document that `effspine bench profile --json` prints.

    `step_over_arithmetic` and `step_over_memory` are the step time over the time that its arithmetic and its memory
    traffic would take at the measured limits. Feature maps that stay in a cache move faster than the memory limit, so
    the second is a guide rather than a bound.
    """
    from proxy_trainer.benchmarks.engine_benchmark import CLASSES

    progress(f"{STEPS} steps, then the limits of the machine")
    found = run_in_fresh_process(measure_profile, task, threads)
    cost = step_cost(task.architecture(EFF_SPINENET_D0, CLASSES), task.batch_size)
    kernels_ms = sum(each.ms for each in found.operations)
    arithmetic_seconds = cost.flops / found.matrix_flops_per_second
    memory_seconds = cost.bytes / found.copied_bytes_per_second
    return {
        "step_seconds": round(found.step_seconds, 4),
        "kernels_ms": round(kernels_ms, 2),
        "threads_busy": round(kernels_ms / 1e3 / found.step_seconds, 2),
        "operations": [
            {
                "type": each.type,
                "count": round(each.count, 1),
                "ms": round(each.ms, 3),
                "share": round(each.ms / kernels_ms, 4),
            }
            for each in found.operations
        ],
        "forward_madds": cost.forward_madds,
        "madds": cost.madds,
        "flops": cost.flops,
        "bytes": cost.bytes,
        "matrix_gflops_a_second": round(found.matrix_flops_per_second / 1e9, 1),
        "memory_gb_a_second": round(found.copied_bytes_per_second / 1e9, 1),
        "arithmetic_seconds": round(arithmetic_seconds, 5),
        "memory_seconds": round(memory_seconds, 5),
        "step_over_arithmetic": round(found.step_seconds / arithmetic_seconds, 2),
        "step_over_memory": round(found.step_seconds / memory_seconds, 2),
        "threads": threads,
        "image_px": task.image_px,
        "batch_size": task.batch_size,
    }


def step_cost(architecture: Architecture, batch_size: int) -> StepCost:
    """The cost of a training step on a batch, from the counts of `search_space.cost`.

    Each convolution and fully connected layer is computed three times: forward, for the gradient of its input and for
    that of its kernel; images need no gradient. The bytes, in float32, are a lower bound: `MAP_PASSES` over the output
    of each convolution and `WEIGHT_PASSES` over the weights, as if everything else were fused into these passes.
    """
    ops = CostOps()
    retinanet(ops, architecture, FeatureSize(architecture.input_px, architecture.input_px, 3))
    of_images = mapped = 0
    for name, positions in ops.uses:
        kernel = ops.parameters[name]
        mapped += positions * kernel.shape[2 if kernel.role == "depthwise_kernel" else 3]
        if name.startswith("stem/"):
            of_images += positions * kernel.size
    total = ops.total()
    values = MAP_PASSES * mapped * batch_size + WEIGHT_PASSES * total.params
    madds = batch_size * (3 * total.madds - of_images)
    return StepCost(batch_size * total.madds, madds, BYTES_PER_VALUE * values)


def measure_profile(task: ProxyTask, threads: int) -> Profile:
    """Profiles the step of a task in this process, where TensorFlow must not have run with other threads."""
    from proxy_trainer.benchmarks.engine_benchmark import CLASSES, random_batch
    from proxy_trainer.engine import runtime
    from proxy_trainer.engine.engine import Engine

    runtime.start(threads)
    engine, batch = Engine(task, CLASSES), random_batch(task)
    engine.load(EFF_SPINENET_D0, seed=0)

    def step() -> None:
        engine.train_step(batch, task.learning_rate, (0, 0))

    for _ in range(WARM_UP_STEPS):
        step()
    seconds = statistics.median(_seconds(step) for _ in range(STEPS))
    return Profile(
        seconds, operation_times(step, STEPS), _matrix_flops_per_second(threads), _copied_bytes_per_second(threads)
    )


def operation_times(step: Callable[[], None], steps: int) -> tuple[Operation, ...]:
    """The kernels of a step by type, longest total time first.

    The time of each graph node is its median over `steps` steps, because some are interrupted on a busy machine.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as directory:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0)
        tf.profiler.experimental.start(directory, options=options)
        for _ in range(steps):
            step()
        tf.profiler.experimental.stop()
        durations = _kernel_durations(Path(directory))
    count: dict[str, float] = defaultdict(float)
    total: dict[str, float] = defaultdict(float)
    for name, values in durations.items():
        kind = name.rsplit(":", 1)[1]
        count[kind] += len(values) / steps
        total[kind] += statistics.median(values) * len(values) / steps
    return tuple(Operation(kind, count[kind], total[kind]) for kind in sorted(total, key=lambda kind: -total[kind]))


def _kernel_durations(directory: Path) -> dict[str, list[float]]:
    """The milliseconds of every run of each graph node, `name:Type`, from the files of the profiler."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    durations: dict[str, list[float]] = defaultdict(list)
    for path in directory.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            if plane.name == "/host:CPU":
                for name, picoseconds in _events(plane):
                    if _KERNEL.fullmatch(name):
                        durations[name].append(picoseconds / 1e9)
    return durations


def _events(plane: Any) -> Iterable[tuple[str, int]]:
    for line in plane.lines:
        for event in line.events:
            yield plane.event_metadata[event.metadata_id].name, event.duration_ps


def _matrix_flops_per_second(threads: int) -> float:
    """Floating-point operations per second of large matrix products, one product for each thread."""
    import tensorflow as tf

    factors = [tf.random.stateless_uniform([MATRIX_SIDE, MATRIX_SIDE], [0, number]) for number in range(threads)]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def products(*values: tf.Tensor) -> tf.Tensor:
        return tf.add_n([(value @ value)[0, 0] for value in values])

    best = min(_seconds(lambda: products(*factors).numpy()) for _ in range(LIMIT_ROUNDS))
    return 2 * threads * MATRIX_SIDE**3 / best


def _copied_bytes_per_second(threads: int) -> float:
    """Bytes per second, read and written, of copies of large arrays, one copy for each thread."""
    pairs = [(np.zeros(COPIED_FLOATS, np.float32), np.ones(COPIED_FLOATS, np.float32)) for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        best = min(_seconds(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs))) for _ in range(LIMIT_ROUNDS))
    return 2 * threads * BYTES_PER_VALUE * COPIED_FLOATS / best


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
