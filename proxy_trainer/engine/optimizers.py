"""One step of each optimiser, on all trainable values at once: a handful of operations whatever the network is."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from search_space.proxy_task import ProxyTask

ADAM_EPSILON = 1e-8


class OptimizerState(NamedTuple):
    """Flat vectors as long as the weights, zero at first: `first` the average of gradients, `second` of their squares.

    `second` has no values where the optimiser keeps none.
    """

    first: tf.Tensor
    second: tf.Tensor


def keeps_squares(task: ProxyTask) -> bool:
    """Whether the optimiser of the task averages squared gradients."""
    return task.optimizer == "adamw"


def updated(
    task: ProxyTask,
    weights: tf.Tensor,
    gradient: tf.Tensor,
    state: OptimizerState,
    decay: tf.Tensor,
    learning_rate: tf.Tensor,
    steps_done: tf.Tensor,
) -> tuple[tf.Tensor, OptimizerState]:
    """The weights and the state after one step; `decay` is the weight decay of each value.

    SGD adds the decay to the gradient; AdamW takes it from the weights beside the step (Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", ICLR 2019, Algorithm 2).
    """
    if not keeps_squares(task):
        first = task.momentum * state.first + gradient + decay * weights
        return weights - learning_rate * first, OptimizerState(first, state.second)
    first = task.momentum * state.first + (1.0 - task.momentum) * gradient
    second = task.second_moment_decay * state.second + (1.0 - task.second_moment_decay) * gradient * gradient
    count = tf.cast(steps_done + 1, tf.float32)
    rate = learning_rate / (1.0 - task.momentum**count)
    deviation = tf.sqrt(second / (1.0 - task.second_moment_decay**count)) + ADAM_EPSILON
    return weights - rate * first / deviation - learning_rate * decay * weights, OptimizerState(first, second)
