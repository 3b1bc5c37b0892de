"""Batch-norm recalibration: the statistics of the averaged weights on given images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.engine.proxy_network import normalise
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.support.engine_tasks import CLASSES, TASK, UNEVEN, assert_same, noise, train

# Without momentum, the running statistics of a training step are those of its batch.
PLAIN = replace(TASK, bn_momentum=0.0, stochastic_depth=0.0, ema_decay=0.5)
BATCHES = [(noise(seed).pixels, noise(seed).sizes) for seed in (0, 1)]
PIXELS, SIZES = (np.concatenate(each) for each in zip(*BATCHES, strict=True))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(PLAIN, CLASSES)


def recalibrated(engine: Engine, state: EngineState, pixels: np.ndarray, sizes: np.ndarray, batch: int) -> np.ndarray:
    """The statistics of the loaded architecture with this state."""
    engine.restore(state)
    with engine.recalibrated(pixels, sizes, batch):
        within = engine.state()
    assert_same(within._replace(statistics=state.statistics), state)
    assert_same(engine.state(), state)
    return within.statistics


def trained_state(engine: Engine, candidate: Architecture) -> EngineState:
    """A state whose average differs from its weights."""
    train(engine, candidate, steps=2)
    state = engine.state()
    assert not np.allclose(state.average, state.weights)
    return state


@pytest.mark.parametrize("candidate", [SP_EFFICIENTNET_B0, UNEVEN], ids=["uniform", "uneven"])
def test_every_layer_has_the_statistics_that_a_training_step_with_the_average_sees(
    engine: Engine, candidate: Architecture
) -> None:
    state = trained_state(engine, candidate)
    found = recalibrated(engine, state, *BATCHES[0], batch=PLAIN.batch_size)
    engine.restore(state._replace(weights=state.average))
    engine.train_step(noise(0), 0.0, (1, 0))
    seen = engine.state().statistics
    assert not np.allclose(found, state.statistics)
    np.testing.assert_allclose(found, seen, rtol=2e-3, atol=2e-5)


def test_the_first_layer_has_the_mean_and_variance_of_its_convolution(engine: Engine) -> None:
    state = trained_state(engine, UNEVEN)
    found = recalibrated(engine, state, *BATCHES[0], batch=PLAIN.batch_size)
    every = parameters(PLAIN.architecture(UNEVEN, CLASSES))
    kernel = next(p for p in every if p.is_trainable)
    mean, variance = [p for p in every if not p.is_trainable][:2]
    assert (kernel.name, mean.name, variance.name) == ("stem/conv/kernel", "stem/bn/mean", "stem/bn/variance")
    weights = state.average[: kernel.size].reshape(kernel.shape)
    features = tf.nn.conv2d(normalise(*map(tf.constant, BATCHES[0])), weights, 2, "SAME").numpy()
    np.testing.assert_allclose(found[: mean.size], features.mean((0, 1, 2)), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found[mean.size :][: mean.size], features.var((0, 1, 2)), rtol=1e-3, atol=1e-5)


def test_the_statistics_of_several_batches_are_their_mean(engine: Engine) -> None:
    state = trained_state(engine, EFF_SPINENET_D0)
    parts = [recalibrated(engine, state, *batch, batch=PLAIN.batch_size) for batch in BATCHES]
    whole = recalibrated(engine, state, PIXELS, SIZES, batch=PLAIN.batch_size)
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-6)


def test_they_are_a_function_of_weights_and_images_alone(engine: Engine) -> None:
    state = trained_state(engine, UNEVEN)
    first = recalibrated(engine, state, PIXELS, SIZES, batch=4)
    train(engine, EFF_SPINENET_D0)
    engine.load(UNEVEN, seed=9)
    other = state._replace(statistics=state.statistics + 1, weights=state.weights + 1, steps_done=7)
    assert np.array_equal(recalibrated(engine, other, PIXELS, SIZES, batch=4), first)
    changed = state._replace(average=state.average * 1.5)
    assert not np.array_equal(recalibrated(engine, changed, PIXELS, SIZES, batch=4), first)
    assert not np.array_equal(recalibrated(engine, state, PIXELS[1:], SIZES[1:], batch=4), first)


def test_one_trace_recalibrates_every_architecture(engine: Engine) -> None:
    for candidate in (SP_EFFICIENTNET_B0, EFF_SPINENET_D0, UNEVEN, SP_EFFICIENTNET_B0.scaled(2.0)):
        engine.load(candidate, seed=1)
        for batch in (2, 6):
            with engine.recalibrated(PIXELS, SIZES, batch):
                found = engine.state().statistics
        statistics = [p for p in parameters(PLAIN.architecture(candidate, CLASSES)) if not p.is_trainable]
        assert found.size == sum(p.size for p in statistics)
    assert engine._graphs.statistics.experimental_get_tracing_count() == 1  # type: ignore[attr-defined]
