"""The engine: one trace for all architectures, gradients of all weights, no state carried over between trials."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.engine.proxy_network import parameters_of
from proxy_trainer.engine.training_batch import TrainingBatch
from search_space.architecture import Architecture, Operations
from search_space.cost import parameters
from search_space.proxy_task import Optimizer, ProxyTask
from search_space.published import EFF_SPINENET_D0, EFF_SPINENETS, SP_EFFICIENTNET_B0
from tests.support.engine_tasks import CLASSES, PART, PARTS, TASK, UNEVEN, distance, noise, step, train, two_parts
from tests.support.small_network import small_network


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(TASK, CLASSES)


def _small_engine(task: ProxyTask) -> Engine:
    return Engine(task, CLASSES, network=small_network)


def test_one_trace_trains_every_architecture(engine: Engine) -> None:
    for candidate in (SP_EFFICIENTNET_B0, EFF_SPINENET_D0, UNEVEN, SP_EFFICIENTNET_B0.scaled(2.0)):
        losses, weights = train(engine, candidate, steps=1)
        assert np.isfinite(losses).all()
        wanted = parameters(TASK.architecture(candidate, CLASSES))
        assert weights.size == sum(parameter.size for parameter in wanted if parameter.is_trainable)
        engine.detect(noise(0).pixels, noise(0).sizes)
    assert engine.traces() == (1, 1)


@pytest.mark.parametrize(
    ("multiplier", "divisor"), [(0.2, 8), (0.1, 8), (0.05, 8), (0.25, 16), (1.0, 64), (4.0, 1), (0.05, 64)]
)
def test_the_graph_has_every_parameter_for_all_multipliers_and_divisors(multiplier: float, divisor: int) -> None:
    task = replace(TASK, width_multiplier=multiplier, width_divisor=divisor)
    layout = Engine(task, CLASSES)._layout
    found = {parameter.name for parameter in (*layout._trainable, *layout._statistics)}
    distinct = replace(task.architecture(UNEVEN, CLASSES), widths=tuple(range(100, 118)))
    assert found == {parameter.name for parameter in parameters(distinct)}
    assert "block16/from13/conv/kernel" in found


def test_a_task_that_rounds_all_widths_to_one_is_traced() -> None:
    engine = Engine(replace(TASK, width_multiplier=0.05, width_divisor=8), CLASSES)
    losses, _ = train(engine, UNEVEN, steps=1)
    assert np.isfinite(losses).all()


def test_an_engine_trains_architectures_with_repeats_and_other_operations() -> None:
    like = replace(EFF_SPINENETS["D1"], operations=Operations(space_to_depth=False, activation="relu"))
    engine = Engine(TASK, CLASSES, like)
    for widths in (like.widths, UNEVEN.widths):
        losses, weights = train(engine, replace(like, widths=widths), steps=2)
        assert np.isfinite(losses).all()
        wanted = parameters(TASK.architecture(replace(like, widths=widths), CLASSES))
        assert any("mbconv2" in parameter.name for parameter in wanted)
        assert weights.size == sum(parameter.size for parameter in wanted if parameter.is_trainable)
    with pytest.raises(ValueError, match=r"Eff-SpineNet-D0 has structure .*'swish'.*, not .*'relu'"):
        engine.load(EFF_SPINENET_D0, seed=1)


def test_no_state_leaks_from_one_trial_into_the_next(engine: Engine) -> None:
    first_losses, first_weights = train(engine, SP_EFFICIENTNET_B0)
    first_detections = engine.detect(noise(9).pixels, noise(9).sizes)
    train(engine, UNEVEN)
    losses, weights = train(engine, SP_EFFICIENTNET_B0)
    assert losses == first_losses
    np.testing.assert_array_equal(weights, first_weights)
    for again, before in zip(engine.detect(noise(9).pixels, noise(9).sizes), first_detections, strict=True):
        np.testing.assert_array_equal(again, before)


def test_a_new_engine_gives_the_same_bits(engine: Engine) -> None:
    losses, weights = train(engine, EFF_SPINENET_D0)
    fresh_losses, fresh_weights = train(Engine(TASK, CLASSES), EFF_SPINENET_D0)
    assert losses == fresh_losses
    np.testing.assert_array_equal(weights, fresh_weights)


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_a_restored_state_continues_with_the_same_bits(optimizer: Optimizer) -> None:
    engine = _small_engine(replace(TASK, optimizer=optimizer, ema_decay=0.9))
    train(engine, UNEVEN)
    state = engine.state()

    def continue_training() -> tuple[float, EngineState]:
        engine.restore(state)
        return engine.train_step(noise(3), 0.02, (1, 3)).total, engine.state()

    loss, after = continue_training()
    train(engine, EFF_SPINENET_D0)
    engine.load(UNEVEN, seed=5)
    loss_again, after_again = continue_training()
    assert loss_again == loss
    assert after.steps_done == 4
    for name, one, other in zip(EngineState._fields, after, after_again, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_a_state_of_another_architecture_is_refused_and_changes_nothing(engine: Engine) -> None:
    train(engine, UNEVEN)
    of_uneven = engine.state()
    train(engine, EFF_SPINENET_D0)
    before = engine.state()
    mixed = before._replace(statistics=of_uneven.statistics, weights=np.zeros_like(before.weights))
    with pytest.raises(ValueError, match=r"statistics has shape \(\d+,\); this network has"):
        engine.restore(mixed)
    with pytest.raises(ValueError, match=r"statistics has shape \(\d+,\); this network has"):
        engine.load(EFF_SPINENET_D0, 1, mixed)
    np.testing.assert_array_equal(engine.state().weights, before.weights)


@pytest.fixture(scope="module")
def plain_engine() -> Engine:
    """An engine without weight decay and stochastic depth, so that its gradient is that of the loss."""
    return Engine(replace(TASK, weight_decay=0.0, stochastic_depth=0.0), CLASSES)


@pytest.mark.parametrize("candidate", [SP_EFFICIENTNET_B0, UNEVEN], ids=["uniform", "uneven"])
def test_every_weight_has_a_gradient(plain_engine: Engine, candidate: Architecture) -> None:
    """Zeros of the initial weights are replaced, because residual branches with a scale of zero have no gradient."""
    engine = plain_engine
    engine.load(candidate, seed=1)
    fresh = engine.state().weights
    engine._weights.assign(np.where(fresh == 0, np.random.default_rng(0).normal(0.5, 0.1, fresh.size), fresh))
    engine.train_step(noise(0), 0.0, (1, 0))
    trainable = [p for p in parameters(TASK.architecture(candidate, CLASSES)) if p.is_trainable]
    gradients = np.split(engine._first.numpy(), np.cumsum([p.size for p in trainable])[:-1])
    assert [p.name for p, gradient in zip(trainable, gradients, strict=True) if not gradient.any()] == []


def test_detections_are_boxes_inside_the_padded_image_best_first(engine: Engine) -> None:
    train(engine, SP_EFFICIENTNET_B0)
    found = engine.detect(noise(0).pixels, noise(0).sizes)
    assert found.boxes.shape == (3, 100, 4)
    for row, valid in enumerate(found.valid):
        scores = found.scores[row, :valid]
        assert np.all(np.diff(scores) <= 0)
        assert np.all((scores > 0) & (scores <= 1))
        assert np.all((found.boxes[row] >= 0) & (found.boxes[row] <= TASK.image_px))


def test_padding_does_not_reach_the_network(engine: Engine) -> None:
    train(engine, SP_EFFICIENTNET_B0)
    batch = noise(0)
    changed = batch.pixels.copy()
    changed[1, :, 60:] = 255
    changed[2, 72:] = 0
    for one, other in zip(engine.detect(batch.pixels, batch.sizes), engine.detect(changed, batch.sizes), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weight_decay_takes_kernels_only_and_running_statistics_move_by_their_momentum() -> None:
    task = replace(TASK, weight_decay=0.1, momentum=0.0, bn_momentum=0.99)
    without = _small_engine(replace(task, weight_decay=0.0, bn_momentum=0.0))
    engine = _small_engine(task)
    for one in (engine, without):
        one.load(SP_EFFICIENTNET_B0, seed=1)
    before, fresh = engine.state().weights, engine.state().statistics
    for one in (engine, without):
        one.train_step(noise(0), 0.01, (1, 0))
    of_the_batch = without.state().statistics
    np.testing.assert_allclose(engine.state().statistics, 0.99 * fresh + 0.01 * of_the_batch, rtol=1e-5, atol=1e-6)
    present = parameters_of(small_network, task.architecture(SP_EFFICIENTNET_B0, CLASSES))
    trainable = [p for p in present if p.is_trainable]
    decayed = np.repeat([p.is_decayed for p in trainable], [p.size for p in trainable])
    shrunk = without.state().weights - engine.state().weights
    np.testing.assert_allclose(shrunk[decayed], 0.01 * 0.1 * before[decayed], rtol=1e-2, atol=1e-6)
    np.testing.assert_array_equal(shrunk[~decayed], 0)


def test_the_average_follows_the_weights_by_its_decay_and_is_what_detects() -> None:
    engine = _small_engine(replace(TASK, ema_decay=0.75))
    train(engine, UNEVEN, steps=1)
    before = engine.state()
    engine.train_step(noise(1), 0.02, (1, 1))
    after = engine.state()
    assert not np.array_equal(after.weights, before.weights)
    np.testing.assert_allclose(after.average, 0.75 * before.average + 0.25 * after.weights, rtol=1e-5, atol=1e-7)
    found = engine.detect(noise(9).pixels, noise(9).sizes)
    engine.restore(after._replace(weights=np.zeros_like(after.weights)))
    for again, wanted in zip(engine.detect(noise(9).pixels, noise(9).sizes), found, strict=True):
        np.testing.assert_array_equal(again, wanted)


def test_an_accumulated_gradient_is_that_of_the_whole_batch_where_batch_norm_sees_the_same() -> None:
    """Two micro batches with equal images and different boxes: equal statistics, different numbers of positives."""
    task, batch = replace(PARTS, stochastic_depth=0.0), two_parts(second=range(PART))
    whole_loss, whole = step(Engine(task, CLASSES), batch, (1, 0))
    loss, state = step(Engine(replace(task, micro_batch_size=PART), CLASSES), batch, (1, 0))
    np.testing.assert_allclose(loss, whole_loss, rtol=1e-5)
    assert distance(state.first, whole.first) < 2e-4


def test_micro_batches_have_weights_by_positives_draws_of_their_own_and_averaged_statistics() -> None:
    batch = two_parts(second=range(PART, 2 * PART))
    task = replace(PARTS, stochastic_depth=0.5)
    single = _small_engine(replace(task, batch_size=PART))
    parts = [TrainingBatch(*(values[rows] for values in batch)) for rows in (slice(PART), slice(PART, None))]
    seeds = [tf.random.experimental.stateless_fold_in([1, 0], part).numpy().tolist() for part in range(2)]
    (loss_0, state_0), (loss_1, state_1) = (step(single, *each) for each in zip(parts, seeds, strict=True))
    assert distance(step(single, parts[1], seeds[0])[1].first, state_1.first) > 0.01  # the seed has an effect

    loss, state = step(_small_engine(replace(task, micro_batch_size=PART)), batch, (1, 0))
    positives = [int((part.matches >= 0).sum()) for part in parts]
    assert positives[0] > 2 * positives[1] > 0
    shares = [(count + 1) / (sum(positives) + 1) for count in positives]
    np.testing.assert_allclose(loss, shares[0] * loss_0 + shares[1] * loss_1, rtol=1e-5)
    assert distance(state.first, shares[0] * state_0.first + shares[1] * state_1.first) < 2e-4
    assert distance(state.statistics, (state_0.statistics + state_1.statistics) / 2) < 1e-5


def test_gradient_accumulation_needs_one_trace_and_is_reproducible() -> None:
    engine = _small_engine(replace(TASK, micro_batch_size=1))
    losses, weights = train(engine, UNEVEN)
    for candidate in (SP_EFFICIENTNET_B0, EFF_SPINENET_D0):
        assert np.isfinite(train(engine, candidate, steps=1)[0]).all()
    assert engine.state().steps_done == 1
    again, weights_again = train(engine, UNEVEN)
    engine.detect(noise(0).pixels, noise(0).sizes)
    assert engine.traces() == (1, 1)
    assert again == losses
    np.testing.assert_array_equal(weights_again, weights)
