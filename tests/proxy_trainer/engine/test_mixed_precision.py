"""Mixed precision: results close to those of float32, and float32 accumulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.engine import Engine
from proxy_trainer.engine.mixed_precision import MixedPrecisionOps
from proxy_trainer.engine.reverse_mode import Recorder
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.cost import parameters
from search_space.published import SP_EFFICIENTNET_B0
from tests.support.engine_tasks import CLASSES, PARTS, UNEVEN, distance, step, two_parts

MIXED = replace(PARTS, precision="bfloat16", stochastic_depth=0.2)


@pytest.mark.slow
def test_bfloat16_trains_and_detects_as_float32_does() -> None:
    batch = two_parts(second=range(8))
    mixed, single = Engine(MIXED, CLASSES), Engine(replace(MIXED, precision="float32"), CLASSES)
    (loss, state), (wanted_loss, wanted) = (step(engine, batch, (1, 0)) for engine in (mixed, single))
    for _ in range(3):  # the same bits every time
        for again, before in zip(step(mixed, batch, (1, 0))[1], state, strict=True):
            np.testing.assert_array_equal(again, before)
    np.testing.assert_allclose(loss, wanted_loss, rtol=0.02)
    assert not np.array_equal(loss, wanted_loss)
    assert {vector.dtype for vector in state[:-1]} == {np.dtype(np.float32)}
    assert distance(state.statistics, wanted.statistics) < 0.02
    # Without momentum the first moment is the gradient.
    assert np.dot(state.first, wanted.first) > 0.98 * np.linalg.norm(state.first) * np.linalg.norm(wanted.first)
    assert 0.9 < np.linalg.norm(state.first) / np.linalg.norm(wanted.first) < 1.1

    engines = (mixed, single)
    losses = np.array([_trained(engine) for engine in engines])
    assert losses[0, -1] < losses[0, 0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05)
    found, expected = (engine.detect(batch.pixels[:2], batch.sizes[:2]) for engine in engines)
    np.testing.assert_allclose(found.scores[:, 0], expected.scores[:, 0], atol=0.02)
    assert np.all((found.boxes >= 0) & (found.boxes <= MIXED.image_px))
    assert {np.asarray(part).dtype for part in found[:3]} == {np.dtype(np.float32)}
    for engine in engines:
        engine.load(UNEVEN, seed=1)
        assert np.isfinite(engine.train_step(batch, 0.0, (1, 0)).total)
        assert engine.traces() == (1, 1)


def _trained(engine: Engine) -> list[float]:
    """The losses of six steps on one batch."""
    engine.load(SP_EFFICIENTNET_B0, seed=1)
    return [engine.train_step(two_parts(second=range(8)), 0.02, (1, number)).total for number in range(6)]


def test_sums_over_feature_maps_and_their_gradients_are_those_of_float32() -> None:
    """Sums of ones above 256, the largest integer up to which bfloat16 is exact."""
    x = tf.ones([4, 32, 32, 3], tf.bfloat16)
    values = {
        "fusion/weights": tf.constant([1.0, 3.0]),
        "conv/kernel": tf.ones([1, 1, 3, 3]),
        "conv/bias": tf.zeros([3]),
    }

    def gradients(kind: type[TensorOps], x: tf.Tensor) -> dict[str, tf.Tensor]:
        recorder = Recorder()
        ops = kind(values, training=True, recorder=recorder)
        y = ops.conv(ops.fuse([x, 2 * x], "fusion"), 3, "conv", bias=0.0)
        assert y.dtype == x.dtype
        return recorder.gradients([(y, tf.ones_like(y))], values)

    mixed = gradients(MixedPrecisionOps, x)
    single = gradients(TensorOps, tf.cast(x, tf.float32))
    assert mixed.keys() == single.keys() == values.keys()
    for one, other in zip(mixed.values(), single.values(), strict=True):
        assert one.dtype == tf.float32
        np.testing.assert_allclose(one, other, rtol=0.01)
    pooled = MixedPrecisionOps({}, training=True).global_pool(x)
    assert pooled.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(pooled, tf.float32), 1)


@pytest.mark.parametrize(("side", "kernel", "stride"), [(1, 3, 2), (2, 5, 4), (8, 3, 1)])
def test_depthwise_gradients_are_those_of_float32_where_the_filter_is_larger_than_the_map(
    side: int, kernel: int, stride: int
) -> None:
    rng = np.random.default_rng(0)
    x = tf.cast(rng.normal(size=(4, side, side, 56)), tf.bfloat16)
    values = {"conv/kernel": tf.constant(rng.normal(size=(kernel, kernel, 56, 1)), tf.float32)}

    def gradients(kind: type[TensorOps], x: tf.Tensor) -> tuple[np.ndarray, ...]:
        recorder = Recorder()
        ops = kind(values, training=True, recorder=recorder)
        y = ops.depthwise(x, "conv", kernel=kernel, stride=stride)
        with tf.GradientTape() as tape:
            tape.watch(y)
            total = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
        found = recorder.gradients([(y, tape.gradient(total, y))], {"x": x, **values})
        return np.asarray(tf.cast(found["x"], tf.float32)), found["conv/kernel"].numpy()

    single = gradients(TensorOps, tf.cast(x, tf.float32))
    for _ in range(20):
        for one, other in zip(gradients(MixedPrecisionOps, x), single, strict=True):
            assert distance(one, other) < 0.02


def test_predictions_are_not_rounded_to_bfloat16() -> None:
    bias, name = 1.001, "class/predict/pointwise"
    values = {f"{name}/kernel": tf.zeros([1, 1, 3, 3]), f"{name}/bias": tf.fill([3], bias)}
    y = MixedPrecisionOps(values, training=False).conv(tf.ones([1, 2, 2, 3], tf.bfloat16), 3, name, bias=0.0)
    np.testing.assert_allclose(y, bias)


def test_precision_does_not_change_the_initial_weights() -> None:
    engines = [Engine(replace(PARTS, precision=precision), CLASSES) for precision in ("float32", "bfloat16")]
    for engine in engines:
        engine.load(UNEVEN, seed=1)
    np.testing.assert_array_equal(*(engine.state().weights for engine in engines))
    wanted = [p for p in parameters(PARTS.architecture(UNEVEN, CLASSES)) if p.is_trainable]
    assert engines[1].state().weights.size == sum(p.size for p in wanted)
