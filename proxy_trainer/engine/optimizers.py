"""One step of each optimiser on the flat vector of all weights, in a handful of operations for any network."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from search_space.proxy_task import RMSPROP_EPSILON, ProxyTask

ADAM_EPSILON = 1e-8


class OptimizerState(NamedTuple):
    """The first and second moment of the gradients as flat vectors, initially zero.

    `second` is empty if the optimiser has no second moment.
    """

    first: tf.Tensor
    second: tf.Tensor


def has_second_moment(task: ProxyTask) -> bool:
    """Whether the optimiser of the task averages squared gradients."""
    return task.optimizer in ("adamw", "rmsprop")


def optimizer_step(
    task: ProxyTask,
    weights: tf.Tensor,
    gradient: tf.Tensor,
    state: OptimizerState,
    decay: tf.Tensor,
    learning_rate: tf.Tensor,
    steps_done: tf.Tensor,
) -> tuple[tf.Tensor, OptimizerState]:
    """The weights and the state after one step; `decay` is the weight decay of each value.

    SGD and RMSProp add the weight decay to the gradient. RMSProp divides by the root of the averaged squares plus
    `RMSPROP_EPSILON` before its momentum, as EfficientNet is trained. AdamW decouples the decay from the gradient
    (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, Algorithm 2).
    """
    if not has_second_moment(task):
        first = task.momentum * state.first + gradient + decay * weights
        return weights - learning_rate * first, OptimizerState(first, state.second)
    if task.optimizer == "rmsprop":
        gradient += decay * weights
        second = task.second_moment_decay * state.second + (1.0 - task.second_moment_decay) * gradient * gradient
        first = task.momentum * state.first + learning_rate * gradient / tf.sqrt(second + RMSPROP_EPSILON)
        return weights - first, OptimizerState(first, second)
    first = task.momentum * state.first + (1.0 - task.momentum) * gradient
    second = task.second_moment_decay * state.second + (1.0 - task.second_moment_decay) * gradient * gradient
    count = tf.cast(steps_done + 1, tf.float32)
    rate = learning_rate / (1.0 - task.momentum**count)
    deviation = tf.sqrt(second / (1.0 - task.second_moment_decay**count)) + ADAM_EPSILON
    return weights - rate * first / deviation - learning_rate * decay * weights, OptimizerState(first, second)
