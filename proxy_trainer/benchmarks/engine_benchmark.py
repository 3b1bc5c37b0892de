"""Compares the engine with a plain Keras model of the same network (`effspine bench engine`).

Both train Eff-SpineNet-D0 at half width on batches of 16 images of 128 px, one class, float32, SGD with momentum. They
run in the same fresh process and alternate step by step, so that other load on the machine affects both alike. A round
is two processes: in one, each operation runs on one thread, as in the engine; in the other, all threads share each
operation, which is TensorFlow's default. Each Keras figure is the better of the two. The Keras model does not sample
images, compute targets, decay or average weights, or clip gradients; the engine does.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from proxy_trainer.benchmarks.fresh_process import run_in_fresh_process
from search_space.architecture import Architecture
from search_space.proxy_task import ProxyTask, resolve
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.space import SearchSpace

if TYPE_CHECKING:
    from proxy_trainer.engine.training_batch import TrainingBatch

CLASSES = 1
TASK = resolve(
    "laptop",
    image_px=128,
    width_multiplier=0.5,
    width_divisor=8,
    subnet_width=32,
    batch_size=16,
    optimizer="sgd",
    learning_rate=0.01,
)
THREAD_LAYOUTS = ("own_threads", "shared_threads")
"""One thread per operation, as in the engine; all threads share each operation, which is TensorFlow's default."""

OTHER_ARCHITECTURES = 4
WARM_UP_STEPS = 2
STEPS = 12
BOXES_PER_IMAGE = 8


@dataclass(frozen=True)
class Times:
    """The measurements of one process in seconds: first steps of new architectures, and steady steps.

    `first_step_at` is the end of the first step of the process on the monotonic clock.
    """

    first_step_at: float
    first_steps: tuple[float, ...]
    steps: tuple[float, ...]
    keras_first_steps: tuple[float, ...]
    keras_steps: tuple[float, ...]


def engine_benchmark(repeats: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Medians over `repeats` rounds, as the document that `effspine bench engine --json` prints.

    The time to the first step of another architecture is that of `load` and the step on a warm engine, and that of
    construction, `compile` and the step in Keras. `cold_first_step_seconds` is the time from the start of a process to
    the end of its first step. Ratios are Keras over the engine; above 1, the engine is faster. `step_ratio_by_threads`
    compares steps that alternate in one process, so it is valid on a busy machine too.
    `step_ratio_to_keras_as_it_comes` compares the engine with Keras on TensorFlow's default threads.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    for number in range(1, repeats + 1):
        for layout, intra_op_threads in zip(THREAD_LAYOUTS, (1, threads), strict=True):
            progress(f"round {number} of {repeats}, {layout.replace('_', ' ')}")
            started = time.monotonic()
            times = run_in_fresh_process(time_both, TASK, threads, intra_op_threads)
            samples[f"cold_first_step/{layout}"].append(times.first_step_at - started)
            for name in ("first_step", "step", "keras_first_step", "keras_step"):
                samples[f"{name}/{layout}"] += getattr(times, f"{name}s")
    return _document({name: statistics.median(values) for name, values in samples.items()}) | {
        "repeats": repeats,
        "threads": threads,
        "architecture": EFF_SPINENET_D0.name,
        "image_px": TASK.image_px,
        "width_multiplier": TASK.width_multiplier,
        "batch_size": TASK.batch_size,
        "classes": CLASSES,
        "precision": "float32",
    }


def _document(medians: dict[str, float]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in ("first_step", "step"):
        seconds = medians[f"{name}/own_threads"]
        keras = {layout: medians[f"keras_{name}/{layout}"] for layout in THREAD_LAYOUTS}
        figures |= {
            f"{name}_seconds": round(seconds, 4),
            f"keras_{name}_seconds": round(min(keras.values()), 4),
            f"{name}_ratio": round(min(keras.values()) / seconds, 3),
            f"keras_{name}_seconds_by_threads": {layout: round(value, 4) for layout, value in keras.items()},
        }
    steps = {layout: medians[f"step/{layout}"] for layout in THREAD_LAYOUTS}
    keras_steps = {layout: medians[f"keras_step/{layout}"] for layout in THREAD_LAYOUTS}
    return figures | {
        "step_ratio_by_threads": {layout: round(keras_steps[layout] / steps[layout], 3) for layout in THREAD_LAYOUTS},
        "step_ratio_to_keras_as_it_comes": round(keras_steps["shared_threads"] / steps["own_threads"], 3),
        "cold_first_step_seconds": round(medians["cold_first_step/own_threads"], 2),
        "step_seconds_shared_threads": round(steps["shared_threads"], 4),
    }


def time_both(task: ProxyTask, threads: int, intra_op_threads: int, *, eager_keras: bool = False) -> Times:
    """The times of the engine and of Keras in this process, which must not have run TensorFlow before.

    The engine's first architecture, which traces the graph, counts for `first_step_at` only. Every later architecture
    is new to the process, because oneDNN caches kernels by shape. `eager_keras` runs Keras without a graph, for tests.
    """
    from proxy_trainer.engine import runtime
    from proxy_trainer.engine.engine import Engine

    runtime.start(threads, intra_op_threads=intra_op_threads)
    engine, batch = Engine(task, CLASSES), random_batch(task)

    def step() -> None:
        engine.train_step(batch, task.learning_rate, (0, 0))

    def first_step(candidate: Architecture) -> None:
        engine.load(candidate, seed=0)
        step()

    first_step(SP_EFFICIENTNET_B0)
    first_step_at = time.monotonic()
    first_steps = tuple(_seconds(first_step, candidate) for candidate in (*_other_architectures(), EFF_SPINENET_D0))

    from proxy_trainer.benchmarks.keras_model import compile_retinanet

    images, targets = _keras_batch(task, batch)
    started = time.perf_counter()
    model = compile_retinanet(task, task.architecture(EFF_SPINENET_D0, CLASSES), eager=eager_keras)

    def keras_step() -> None:
        with runtime.default_graph_passes():
            model.train_on_batch(images, targets)

    keras_step()
    keras_first_step = time.perf_counter() - started

    pairs = [(_seconds(step), _seconds(keras_step)) for _ in range(WARM_UP_STEPS + STEPS)]
    steps, keras_steps = zip(*pairs[WARM_UP_STEPS:], strict=True)
    return Times(first_step_at, first_steps, steps, (keras_first_step,), keras_steps)


def _seconds(call: Callable[..., object], *arguments: Any) -> float:
    """The duration of a call."""
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def _keras_batch(task: ProxyTask, batch: TrainingBatch) -> tuple[Any, Any]:
    """The batch in the form of the Keras model: normalised images and the targets of all anchors."""
    from proxy_trainer.benchmarks.keras_model import keras_targets
    from proxy_trainer.engine.proxy_network import normalise
    from proxy_trainer.engine.targets import targets_of
    from search_space.anchors import anchor_boxes

    anchors = anchor_boxes(task.image_px, task.anchor_size)
    targets = targets_of(anchors, batch.boxes, batch.classes, batch.matches)
    return normalise(batch.pixels, batch.sizes).numpy(), keras_targets(targets).numpy()


def random_batch(task: ProxyTask) -> TrainingBatch:
    """A training batch of noise with boxes of all sizes."""
    from proxy_trainer.data.views import Views, sampling_windows
    from proxy_trainer.engine.targets import match_anchors
    from proxy_trainer.engine.training_batch import TrainingBatch
    from search_space.anchors import anchor_boxes

    rng, px, count = np.random.default_rng(0), task.image_px, task.batch_size
    sides = np.exp(rng.uniform(np.log(px / 16), np.log(px / 2), (count, BOXES_PER_IMAGE, 2)))
    corners = rng.uniform(0, px - sides)
    boxes = np.concatenate([corners, corners + sides], axis=-1).astype(np.float32)
    classes = np.zeros((count, BOXES_PER_IMAGE), np.int32)
    whole = Views(np.ones(count, np.float32), np.zeros((count, 2), np.float32), np.zeros(count, np.bool_))
    return TrainingBatch(
        pixels=rng.integers(0, 255, (count, px, px, 3), dtype=np.uint8),
        sizes=np.full((count, 2), px, np.int32),
        windows=sampling_windows(whole, px),
        boxes=boxes,
        classes=classes,
        matches=match_anchors(anchor_boxes(px, task.anchor_size), boxes, classes),
    )


def _other_architectures() -> list[Architecture]:
    """Random architectures of the search space, the same in every call."""
    space = SearchSpace()
    return [space.architecture(each.widths) for each in space.random_candidates(OTHER_ARCHITECTURES, seed=0)]
