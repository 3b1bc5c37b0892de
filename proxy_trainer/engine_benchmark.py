"""The engine beside a plain Keras model of the same network (`effspine bench engine`).

Both train Eff-SpineNet-D0 at half width on batches of 16 images of 128 px, one class, float32, SGD with momentum.
Every process of a benchmark is a fresh one and measures one thing alone; rounds of them take turns, so that a machine
that is busy with something else for a while slows down all sides alike. Keras is measured with the threads of the
engine and as TensorFlow comes, without deterministic kernels in either, and each of its figures is the better of the
two. It is spared what the engine does beside the network in each step: sampling the images, assigning targets, decaying
and averaging weights, clipping the gradient.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from search_space.architecture import EFF_SPINENET_D0, SP_EFFICIENTNET_B0, Architecture
from search_space.proxy_task import ProxyTask, resolve
from search_space.space import CHOICES, SearchSpace

if TYPE_CHECKING:
    from proxy_trainer.engine import TrainingBatch

CLASSES = 1
TASK = resolve(
    "laptop", image_px=128, width_multiplier=0.5, width_divisor=8, subnet_width=32, batch_size=16, learning_rate=0.01
)
OTHER_ARCHITECTURES = 4
WARM_UP_STEPS = 2
STEPS = 12
BOXES_AN_IMAGE = 8

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Times:
    """What one process measured, in seconds: the first steps of fresh architectures, and steady steps.

    `first_step_at` is when the process had done its very first step, by the machine's monotonic clock.
    """

    first_step_at: float
    first_steps: tuple[float, ...]
    steps: tuple[float, ...]


def engine_benchmark(
    repeats: int, threads: int, progress: Callable[[str], None], task: ProxyTask = TASK
) -> dict[str, Any]:
    """Medians over `repeats` rounds, as the document that `effspine bench engine --json` prints.

    A first step is all that it takes from a trained architecture to the first step of another: `load` and the step
    on a warm engine, construction, `compile` and the step in Keras. `cold_first_step_seconds` runs from the start of
    a process to the end of its first step. Ratios are Keras over the engine: above 1 the engine is the faster one.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    for number in range(1, repeats + 1):
        progress(f"round {number} of {repeats}")
        for name, values in _round(task, threads).items():
            samples[name] += values
    return _document({name: statistics.median(values) for name, values in samples.items()}) | {
        "repeats": repeats,
        "threads": threads,
        "architecture": EFF_SPINENET_D0.name,
        "image_px": task.image_px,
        "width_multiplier": task.width_multiplier,
        "batch_size": task.batch_size,
        "classes": CLASSES,
        "precision": "float32",
    }


def _round(task: ProxyTask, threads: int) -> dict[str, tuple[float, ...]]:
    started = time.monotonic()
    own = _apart(time_engine, task, threads, 1)
    keras = {"engine_threads": _apart(time_keras, task, threads), "default_threads": _apart(time_keras, task, None)}
    shared = _apart(time_engine, task, threads, threads)
    samples = {
        "cold_first_step": (own.first_step_at - started,),
        "first_step": own.first_steps,
        "step": own.steps,
        "shared_step": shared.steps,
    }
    for name, times in keras.items():
        samples |= {f"keras_first_step/{name}": times.first_steps, f"keras_step/{name}": times.steps}
    return samples


def _document(medians: dict[str, float]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in ("first_step", "step"):
        keras = {setting: medians[f"keras_{name}/{setting}"] for setting in ("engine_threads", "default_threads")}
        best = min(keras.values())
        figures |= {
            f"{name}_seconds": round(medians[name], 4),
            f"keras_{name}_seconds": round(best, 4),
            f"{name}_ratio": round(best / medians[name], 3),
            f"keras_{name}_seconds_by_threads": {setting: round(value, 4) for setting, value in keras.items()},
        }
    return figures | {
        "cold_first_step_seconds": round(medians["cold_first_step"], 2),
        "step_seconds_shared_threads": round(medians["shared_step"], 4),
    }


def _apart(function: Callable[P, T], *arguments: P.args, **settings: P.kwargs) -> T:
    """The result of a call in a process of its own, in which TensorFlow has not run yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments, **settings).result()


def time_engine(task: ProxyTask, threads: int, threads_an_operation: int) -> Times:
    """The times of the engine; the first architecture of the process, which traces the graph, is not among them.

    No architecture that counts has been seen before: kernels keep what they prepare for shapes that they know.
    """
    from proxy_trainer import runtime
    from proxy_trainer.engine import Engine

    runtime.start(threads, threads_an_operation=threads_an_operation)
    engine, batch = Engine(task, CLASSES), random_batch(task)

    def step() -> None:
        engine.train_step(batch, task.learning_rate, (0, 0))

    def first_step(candidate: Architecture) -> float:
        started = time.perf_counter()
        engine.load(candidate, seed=0)
        step()
        return time.perf_counter() - started

    first_step(SP_EFFICIENTNET_B0)
    first_step_at = time.monotonic()
    first_steps = [first_step(EFF_SPINENET_D0)]
    steps = _steady(step)
    first_steps += [first_step(candidate) for candidate in _others()]
    return Times(first_step_at, tuple(first_steps), steps)


def time_keras(task: ProxyTask, threads: int | None) -> Times:
    """The times of a Keras model, with so many threads each running operations of its own, or TensorFlow's default."""
    import tensorflow as tf

    from proxy_trainer import runtime
    from proxy_trainer.anchors import anchor_boxes
    from proxy_trainer.engine import normalise
    from proxy_trainer.keras_model import compiled_retinanet, keras_targets
    from proxy_trainer.targets import assign_targets

    if threads is not None:
        runtime.set_threads(threads, 1)
    batch = random_batch(task)
    images = normalise(batch.pixels, batch.sizes).numpy()
    anchors = tf.constant(anchor_boxes(task.image_px, task.anchor_size))
    targets = keras_targets(assign_targets(anchors, batch.boxes, batch.classes)).numpy()

    started = time.perf_counter()
    model = compiled_retinanet(task, task.architecture(EFF_SPINENET_D0, CLASSES))
    model.train_on_batch(images, targets)
    first_step = time.perf_counter() - started
    first_step_at = time.monotonic()
    return Times(first_step_at, (first_step,), _steady(lambda: model.train_on_batch(images, targets)))


def random_batch(task: ProxyTask) -> TrainingBatch:
    """A training batch of noise with boxes of all sizes."""
    from proxy_trainer.augment import Views, sampling_windows
    from proxy_trainer.engine import TrainingBatch

    rng, px, count = np.random.default_rng(0), task.image_px, task.batch_size
    sides = np.exp(rng.uniform(np.log(px / 16), np.log(px / 2), (count, BOXES_AN_IMAGE, 2)))
    corners = rng.uniform(0, px - sides)
    whole = Views(np.ones(count, np.float32), np.zeros((count, 2), np.float32), np.zeros(count, np.bool_))
    return TrainingBatch(
        pixels=rng.integers(0, 255, (count, px, px, 3), dtype=np.uint8),
        sizes=np.full((count, 2), px, np.int32),
        windows=sampling_windows(whole, px),
        boxes=np.concatenate([corners, corners + sides], axis=-1).astype(np.float32),
        classes=np.zeros((count, BOXES_AN_IMAGE), np.int32),
    )


def _steady(step: Callable[[], object]) -> tuple[float, ...]:
    """The seconds of each of STEPS steps, after a few to warm up."""
    for _ in range(WARM_UP_STEPS):
        step()
    ends = [time.perf_counter()]
    for _ in range(STEPS):
        step()
        ends.append(time.perf_counter())
    return tuple(np.diff(ends).tolist())


def _others() -> list[Architecture]:
    """Architectures spread over the search space, the same ones every time."""
    space, rng = SearchSpace(), np.random.default_rng(0)
    betas = [rng.choice(CHOICES, space.num_blocks).tolist() for _ in range(OTHER_ARCHITECTURES)]
    return [space.architecture(space.candidate(each).widths) for each in betas]
