"""Splits a batch into micro batches: across devices, and one after another on a device with too little memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.training_batch import Gradient, TrainingBatch, loss_divisor
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

GradientFunction = Callable[[tf.Tensor, TrainingBatch, tf.Tensor], Gradient]
"""The gradient of flat weights on one micro batch, with the seed of its stochastic depth."""


@dataclass(frozen=True)
class MicroBatches:
    """A batch split into micro batches of `size` images, `per_device` of them on each of `devices`, in sequence.

    A device is a TensorFlow device name such as "GPU:0", or None where TensorFlow places the operations.
    """

    devices: tuple[str | None, ...]
    per_device: int
    size: int

    @classmethod
    def of(cls, task: ProxyTask, devices: Sequence[str]) -> MicroBatches:
        """The micro batches of a task's batch on these devices; without devices, TensorFlow chooses one.

        `micro_batch_size` is the largest number of images that a device processes at once. Raises InvalidValueError,
        with the numbers, for a batch that does not divide evenly, and for several devices with `jit_compile`.
        """
        count = max(1, len(devices))
        if task.jit_compile and count > 1:
            raise InvalidValueError(
                f"jit_compile trains on one device, but there are {count}: {', '.join(devices)}",
                field="proxy_task.jit_compile",
            )
        if task.batch_size % count:
            raise InvalidValueError(
                f"batch_size is {task.batch_size}; it must be a multiple of the {count} devices that share it",
                field="proxy_task.batch_size",
            )
        share = task.batch_size // count
        size = min(task.micro_batch_size or share, share)
        if share % size:
            raise InvalidValueError(
                f"micro_batch_size is {task.micro_batch_size}; it must divide {share}, the images per device for "
                f"batch_size {task.batch_size} on {count} devices",
                field="proxy_task.micro_batch_size",
            )
        return cls(tuple(devices) or (None,), share // size, size)

    def gradient(
        self,
        micro_gradient: GradientFunction,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        batch: TrainingBatch,
        path_seed: tf.Tensor,
    ) -> Gradient:
        """The loss and gradient of a batch, accumulated over its micro batches.

        The loss of a micro batch is normalised by its own positive anchors. Weighted by its share of all positive
        anchors, the losses add up to that of the whole batch. Two things differ from an undivided batch: batch
        normalisation sees one micro batch, and the statistics are averaged over them; stochastic depth draws anew for
        each micro batch. The device of a micro batch does not change its result. `statistics` is any vector of the
        length of the batch statistics.
        """
        if len(self.devices) * self.per_device == 1:
            return micro_gradient(weights, batch, path_seed)
        divisor = loss_divisor(batch)

        def weighted(local_weights: tf.Tensor, micro_batch: TrainingBatch, index: int | tf.Tensor) -> Gradient:
            """The gradient of micro batch `index`, weighted by its share."""
            seed = tf.random.experimental.stateless_fold_in(path_seed, index, alg="philox")
            result = micro_gradient(local_weights, micro_batch, seed)
            share = loss_divisor(micro_batch) / divisor
            return Gradient(
                DetectionLoss(*(share * value for value in result.loss)),
                share * result.gradient,
                result.statistics / (len(self.devices) * self.per_device),
            )

        sums = []
        for place, device in enumerate(self.devices):
            with tf.device(device):
                local_batch = TrainingBatch._make(self._local(values, place) for values in batch)
                # One copy of the weights per device, whatever the number of its micro batches.
                local_weights = tf.identity(weights)
                if self.per_device == 1:
                    only = TrainingBatch._make(values[0] for values in local_batch)
                    sums.append(weighted(local_weights, only, place))
                else:
                    sums.append(self._accumulate(weighted, local_weights, statistics, local_batch, place))
        with tf.device(self.devices[0]):
            total = sums[0]
            for other in sums[1:]:
                total = _add(total, other)
        return total

    def _local(self, values: tf.Tensor, place: int) -> tf.Tensor:
        """The micro batches of a device `[per_device, size, ...]`, from values of the batch `[batch, ...]`."""
        share = self.per_device * self.size
        local = values[place * share : (place + 1) * share]
        return tf.reshape(local, tf.concat([[self.per_device, self.size], tf.shape(values)[1:]], axis=0))

    def _accumulate(
        self,
        weighted: Callable[[tf.Tensor, TrainingBatch, tf.Tensor], Gradient],
        weights: tf.Tensor,
        statistics: tf.Tensor,
        batch: TrainingBatch,
        place: int,
    ) -> Gradient:
        """The sum over the micro batches of one device, computed in sequence."""

        def add(index: tf.Tensor, total: Gradient) -> tuple[tf.Tensor, Gradient]:
            with tf.device(self.devices[place]):  # the body of a while loop does not inherit the device
                micro_batch = TrainingBatch._make(tf.gather(values, index) for values in batch)
                return index + 1, _add(total, weighted(weights, micro_batch, place * self.per_device + index))

        zero = Gradient(
            DetectionLoss(*(tf.zeros([]) for _ in DetectionLoss._fields)),
            tf.zeros_like(weights),
            tf.zeros_like(statistics),
        )
        # One iteration at a time: parallel iterations would all be in memory.
        start = (tf.constant(0), zero)
        total: Gradient = tf.while_loop(lambda index, _: index < self.per_device, add, start, parallel_iterations=1)[1]
        return total


def visible_devices(task: ProxyTask) -> tuple[str, ...]:
    """The devices that a training uses by default: all GPUs that TensorFlow sees, or none.

    With `jit_compile`, which trains on one device, only the first.
    """
    names = tuple(device.name for device in tf.config.list_logical_devices("GPU"))
    return names[:1] if task.jit_compile else names


def _add(one: Gradient, other: Gradient) -> Gradient:
    return Gradient(
        DetectionLoss(*(a + b for a, b in zip(one.loss, other.loss, strict=True))),
        one.gradient + other.gradient,
        one.statistics + other.statistics,
    )
