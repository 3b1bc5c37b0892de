"""Graphs with static shapes for XLA, compiled or not, compared with the graph for all architectures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.data.views import Views, sampling_windows
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine import engine as module
from proxy_trainer.engine.augment import view_pixels, view_pixels_by_matmul
from proxy_trainer.engine.engine import COMPILED_ARCHITECTURES, Engine, EngineState
from proxy_trainer.engine.proxy_network import Network
from proxy_trainer.engine.tensor_ops import uniform_draws
from search_space.architecture import Architecture
from search_space.networks.retinanet import retinanet
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.support import engine_pool
from tests.support.engine_tasks import CLASSES, TASK, UNEVEN, distance, noise
from tests.support.processes import in_a_process
from tests.support.small_network import small_network

FAST_COMPILATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
"""Flags of XLA; the graph runs only a few times."""

COMPILED = replace(TASK, jit_compile=True)
STEPS = 3
NETWORKS: dict[str, Network] = {"small": small_network, "retinanet": retinanet}


def _trained(engine: Engine, candidate: Architecture) -> tuple[list[float], EngineState, DetectionBatch]:
    engine.load(candidate, seed=1)
    losses = [engine.train_step(noise(step), 0.02, (1, step)).total for step in range(STEPS)]
    return losses, engine.state(), engine.detect(noise(9).pixels, noise(9).sizes)


def _assert_close(
    one: tuple[list[float], EngineState, DetectionBatch], other: tuple[list[float], EngineState, DetectionBatch]
) -> None:
    np.testing.assert_allclose(one[0], other[0], rtol=1e-4)
    for name in ("weights", "average", "statistics"):
        assert distance(getattr(one[1], name), getattr(other[1], name)) < 1e-4, name
    assert distance(one[1].first, other[1].first) < 5e-3
    np.testing.assert_allclose(one[2].scores, other[2].scores, atol=1e-4)
    assert np.mean(np.abs(one[2].boxes - other[2].boxes).max(axis=-1) < 0.1) > 0.9  # others may be ranked differently


def train_compiled(network: str, file: str) -> None:
    """Saves the results of a training with XLA, and random numbers drawn with XLA."""
    from proxy_trainer.engine.runtime import start

    start(2)
    losses, state, found = _trained(Engine(COMPILED, CLASSES, network=NETWORKS[network]), UNEVEN)
    draws = tf.function(partial(uniform_draws, 64), jit_compile=True)(tf.constant([3, 4]))
    np.savez(file, losses=losses, draws=draws, **state._asdict(), **found._asdict())


@pytest.mark.parametrize("network", ["small", pytest.param("retinanet", marks=pytest.mark.slow)])
def test_xla_trains_and_detects_like_the_graph_for_all_architectures(network: str, tmp_path: Path) -> None:
    """Includes stochastic depth, whose random numbers must be the same bits."""
    file = tmp_path / "compiled.npz"
    in_a_process(train_compiled, network, file, timeout_s=500, XLA_FLAGS=FAST_COMPILATION)
    with np.load(file) as saved:
        values = dict(saved)
    np.testing.assert_array_equal(values["draws"], uniform_draws(64, tf.constant([3, 4])))
    compiled = (
        values["losses"].tolist(),
        EngineState(*(values[name] for name in EngineState._fields)),
        DetectionBatch(*(values[name] for name in DetectionBatch._fields)),
    )
    _assert_close(compiled, _trained(engine_pool.shared_engine(TASK, CLASSES, network=NETWORKS[network]), UNEVEN))


def test_uniform_draws_are_those_of_tensorflow() -> None:
    seed = tf.constant([3, 4])
    np.testing.assert_array_equal(uniform_draws(64, seed), tf.random.stateless_uniform([64], seed, alg="philox"))


@pytest.fixture
def without_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs graphs with static shapes without XLA, whose compilation takes a minute."""
    function = tf.function

    def plain(*arguments: Any, jit_compile: bool | None = None, **settings: Any) -> Any:
        return function(*arguments, **settings)

    monkeypatch.setattr(module.tf, "function", plain)


@pytest.mark.usefixtures("without_xla")
def test_static_graphs_agree_with_the_dynamic_graph_and_the_most_recent_are_cached() -> None:
    assert COMPILED_ARCHITECTURES == 2
    compiled = Engine(COMPILED, CLASSES, network=small_network)
    dynamic = engine_pool.shared_engine(TASK, CLASSES, network=small_network)
    for candidate, traces in ((UNEVEN, (1, 1)), (EFF_SPINENET_D0, (2, 2)), (UNEVEN, (2, 2))):
        _assert_close(_trained(compiled, candidate), _trained(dynamic, candidate))
        assert compiled.traces() == traces
    for candidate, cached in (
        (SP_EFFICIENTNET_B0, [UNEVEN, SP_EFFICIENTNET_B0]),  # D0 was the least recently used
        (UNEVEN, [SP_EFFICIENTNET_B0, UNEVEN]),
        (EFF_SPINENET_D0, [UNEVEN, EFF_SPINENET_D0]),
    ):
        compiled.load(candidate, seed=1)
        assert list(compiled._compiled) == [COMPILED.architecture(each, CLASSES) for each in cached]
    assert dynamic.traces() == (1, 1)


@pytest.mark.usefixtures("without_xla")
def test_a_smaller_batch_gives_the_same_detections_without_another_trace() -> None:
    engine = Engine(replace(COMPILED, micro_batch_size=1), CLASSES, network=small_network)
    engine.load(UNEVEN, seed=1)
    engine.train_step(noise(0), 0.02, (1, 0))
    batch = noise(9)
    whole = engine.detect(batch.pixels, batch.sizes)
    one = engine.detect(batch.pixels[:1], batch.sizes[:1])
    assert one.scores.shape == (1, 100)
    np.testing.assert_allclose(one.scores[0], whole.scores[0], rtol=1e-5)
    assert engine.traces() == (1, 1)


def test_views_by_matmul_equal_views_by_sampling() -> None:
    rng, px = np.random.default_rng(0), 16
    images = tf.constant(rng.normal(size=(6, px, px, 3)), tf.float32)
    views = Views(
        scale=np.array([1.0, 1.0, 0.3, 1.7, 0.61, 2.0], np.float32),
        origin=np.array([[0, 0], [0, 0], [0, 0], [5.2, 3.7], [0, 0], [11, 1]], np.float32),
        flipped=np.array([False, True, False, True, True, False]),
    )
    windows = tf.constant(sampling_windows(views, px))
    wanted = view_pixels(images, windows)
    np.testing.assert_allclose(view_pixels_by_matmul(images, windows), wanted, atol=1e-5)
