"""Values of operations that depend on widths or on odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.detector import BN_EPSILON

RNG = np.random.default_rng(0)


def _map(height: int, width: int, channels: int) -> tf.Tensor:
    return tf.constant(RNG.standard_normal((2, height, width, channels)), tf.float32)


def _projection(channels: int, width: int) -> dict[str, tf.Tensor]:
    return {
        "match/conv/kernel": tf.constant(RNG.standard_normal((1, 1, channels, width)), tf.float32),
        "match/bn/scale": tf.ones([width]),
        "match/bn/offset": tf.zeros([width]),
        "match/bn/mean": tf.zeros([width]),
        "match/bn/variance": tf.ones([width]),
    }


def test_space_to_depth_of_odd_sizes_pads_the_end_with_zeros() -> None:
    x = _map(3, 5, 2)
    y = TensorOps({}, training=False).space_to_depth(x).numpy()
    assert y.shape == (2, 2, 3, 8)
    np.testing.assert_array_equal(y[:, 0, 0].reshape(2, 2, 2, 2), x.numpy()[:, :2, :2])
    np.testing.assert_array_equal(y[:, 1, 2, 2:], 0)


def test_upsampling_repeats_and_crops() -> None:
    x = _map(2, 3, 5)
    y = TensorOps({}, training=False).upsample(x, 2, (3, 5)).numpy()
    np.testing.assert_array_equal(y, x.numpy().repeat(2, axis=1).repeat(2, axis=2)[:, :3, :5])


def test_fusion_is_equation_1() -> None:
    x, y = _map(2, 3, 4), _map(2, 3, 4)
    ops = TensorOps({"fusion/weights": tf.constant([2.0, -1.0])}, training=False)
    np.testing.assert_allclose(ops.fuse([x, y], "fusion"), x * 2 / 2.001, rtol=1e-5)


def test_a_residual_is_added_only_where_the_widths_agree() -> None:
    ops = TensorOps({}, training=False)
    x, same, wider = _map(2, 3, 4), _map(2, 3, 4), _map(2, 3, 6)
    np.testing.assert_array_equal(ops.add_if_same_width(x, same), x + same)
    np.testing.assert_array_equal(ops.add_if_same_width(x, wider), wider)


def test_match_width_projects_only_where_there_is_a_projection() -> None:
    x = _map(2, 3, 4)
    parameters = _projection(4, 6)
    projected = TensorOps(parameters, training=False).match_width(x, 6, "match").numpy()
    expected = x.numpy() @ parameters["match/conv/kernel"].numpy()[0, 0] / np.sqrt(1 + BN_EPSILON)
    np.testing.assert_allclose(projected, expected, rtol=1e-4, atol=1e-5)
    ops = TensorOps(_projection(0, 0), training=True)
    np.testing.assert_array_equal(ops.match_width(x, 4, "match"), x)
    assert all(statistic.shape == (0,) for statistic in ops.batch_statistics.values())


def test_batch_normalisation_in_training_uses_the_batch_and_keeps_its_statistics() -> None:
    x = _map(5, 3, 4)
    parameters = {"bn/scale": tf.constant([1.0, 2, 3, 4]), "bn/offset": tf.constant([0.0, 1, 0, 1])}
    ops = TensorOps(parameters, training=True)
    y = ops.batch_norm(x, "bn").numpy()
    mean, variance = x.numpy().mean((0, 1, 2)), x.numpy().var((0, 1, 2))
    expected = (x.numpy() - mean) / np.sqrt(variance + BN_EPSILON) * parameters["bn/scale"] + parameters["bn/offset"]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ops.batch_statistics["bn/mean"], mean, atol=1e-6)
    np.testing.assert_allclose(ops.batch_statistics["bn/variance"], variance * 30 / 29, rtol=1e-5)


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean() -> None:
    branch = tf.ones([2000, 1, 1, 1])
    ops = TensorOps({}, training=True, drop_rate=0.5, path_seed=tf.constant([3, 4]))
    dropped = ops.drop_path(branch, 0.5).numpy()
    assert set(np.round(np.unique(dropped), 4)) == {0.0, np.float32(1.3333)}
    assert dropped.mean() == pytest.approx(1.0, abs=0.06)
    assert not np.array_equal(dropped, ops.drop_path(branch, 0.5).numpy())
    again = TensorOps({}, training=True, drop_rate=0.5, path_seed=tf.constant([3, 4]))
    np.testing.assert_array_equal(dropped, again.drop_path(branch, 0.5))
    inference = TensorOps({}, training=False, drop_rate=0.5, path_seed=tf.constant([3, 4]))
    np.testing.assert_array_equal(inference.drop_path(branch, 0.5), branch)


@pytest.mark.parametrize("is_traced_for_all_widths", [False, True])
def test_stochastic_depth_keeps_a_branch_without_a_residual(is_traced_for_all_widths: bool) -> None:
    def block(x: tf.Tensor, branch: tf.Tensor) -> tf.Tensor:
        ops = TensorOps({}, training=True, drop_rate=0.5, path_seed=tf.constant([3, 4]))
        return ops.add_if_same_width(x, branch, 1.0)

    if is_traced_for_all_widths:
        block = tf.function(block, input_signature=2 * [tf.TensorSpec([500, 1, 1, None])])
    branch = tf.ones([500, 1, 1, 3])
    np.testing.assert_array_equal(block(tf.zeros([500, 1, 1, 2]), branch), branch)
    dropped = block(tf.fill([500, 1, 1, 3], 10.0), branch).numpy()
    assert set(np.unique(dropped)) == {10.0, 12.0}
    assert np.all(dropped == dropped[..., :1])
    assert 200 < (dropped[:, 0, 0, 0] == 10.0).sum() < 300
