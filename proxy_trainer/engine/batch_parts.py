"""A batch in parts: side by side on several devices, and one after another where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.training_batch import Gradient, TrainingBatch, positives
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

GradientOfPart = Callable[[tf.Tensor, TrainingBatch, tf.Tensor], Gradient]
"""The gradient of flat weights on images that go through the network at once, with the seed of their draws."""


@dataclass(frozen=True)
class BatchParts:
    """A batch in equal parts of `size` images, each of `devices` taking `on_each` of them, one after another.

    A device is a name that TensorFlow knows, such as "GPU:0", or None for wherever TensorFlow puts it.
    """

    devices: tuple[str | None, ...]
    on_each: int
    size: int

    @classmethod
    def of(cls, task: ProxyTask, devices: Sequence[str]) -> BatchParts:
        """The parts of a task's batch on these devices; on none, the batch stays in one piece but for micro batches.

        `micro_batch_size` is the most that a device takes at once. Raises InvalidValueError, with the numbers, for a
        batch that does not divide, or more than one device with `jit_compile`.
        """
        count = max(1, len(devices))
        if task.jit_compile and count > 1:
            raise InvalidValueError(
                f"jit_compile trains on one device, and here are {count}: {', '.join(devices)}",
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
                f"micro_batch_size is {task.micro_batch_size}; the {share} images that each of {count} devices takes "
                f"of batch_size, {task.batch_size}, must be a multiple of it",
                field="proxy_task.micro_batch_size",
            )
        return cls(tuple(devices) or (None,), share // size, size)

    def gradient(
        self,
        of_part: GradientOfPart,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        batch: TrainingBatch,
        path_seed: tf.Tensor,
    ) -> Gradient:
        """Loss and gradient of a batch that goes through the network in these parts.

        A part's loss is per positive anchor of its own; weighted by its share of all positives, the sum is the loss
        of the whole batch. What is not the same as at once: batch normalisation sees a part only, whose statistics
        are averaged, and stochastic depth draws anew for each part. Which device has a part makes no difference to
        it. `statistics` is any vector as long as the statistics are.
        """
        if len(self.devices) * self.on_each == 1:
            return of_part(weights, batch, path_seed)
        whole = positives(batch)

        def weighted(here: tf.Tensor, part: TrainingBatch, number: int | tf.Tensor) -> Gradient:
            """The part `number` of all, in its share of the whole."""
            seed = tf.random.experimental.stateless_fold_in(path_seed, number, alg="philox")
            found = of_part(here, part, seed)
            share = positives(part) / whole
            return Gradient(
                DetectionLoss(*(share * value for value in found.loss)),
                share * found.gradient,
                found.statistics / (len(self.devices) * self.on_each),
            )

        sums = []
        for place, device in enumerate(self.devices):
            with tf.device(device):
                of_device = TrainingBatch._make(self._of_device(values, place) for values in batch)
                # One copy of the weights for each device, whatever the number of its parts.
                here = tf.identity(weights)
                if self.on_each == 1:
                    only = TrainingBatch._make(values[0] for values in of_device)
                    sums.append(weighted(here, only, place))
                else:
                    sums.append(self._one_after_another(weighted, here, statistics, of_device, place))
        with tf.device(self.devices[0]):
            total = sums[0]
            for other in sums[1:]:
                total = _added(total, other)
        return total

    def _of_device(self, values: tf.Tensor, place: int) -> tf.Tensor:
        """Those of a device `[on_each, size, ...]`, from those of the batch `[batch, ...]`."""
        share = self.on_each * self.size
        mine = values[place * share : (place + 1) * share]
        return tf.reshape(mine, tf.concat([[self.on_each, self.size], tf.shape(values)[1:]], axis=0))

    def _one_after_another(
        self,
        weighted: Callable[[tf.Tensor, TrainingBatch, tf.Tensor], Gradient],
        weights: tf.Tensor,
        statistics: tf.Tensor,
        batch: TrainingBatch,
        place: int,
    ) -> Gradient:
        """The sum over the parts of one device."""

        def add(part: tf.Tensor, so_far: Gradient) -> tuple[tf.Tensor, Gradient]:
            with tf.device(self.devices[place]):  # the body of a loop does not have it from around the loop
                micro = TrainingBatch._make(tf.gather(values, part) for values in batch)
                return part + 1, _added(so_far, weighted(weights, micro, place * self.on_each + part))

        nothing = Gradient(
            DetectionLoss(*(tf.zeros([]) for _ in DetectionLoss._fields)),
            tf.zeros_like(weights),
            tf.zeros_like(statistics),
        )
        # One at a time: parts that run side by side would all be in memory.
        start = (tf.constant(0), nothing)
        found: Gradient = tf.while_loop(lambda part, _: part < self.on_each, add, start, parallel_iterations=1)[1]
        return found


def seen_devices(task: ProxyTask) -> tuple[str, ...]:
    """The devices that a training takes where none are named: all GPUs that TensorFlow sees, or none.

    With `jit_compile`, which trains on one device, only the first.
    """
    names = tuple(device.name for device in tf.config.list_logical_devices("GPU"))
    return names[:1] if task.jit_compile else names


def _added(one: Gradient, other: Gradient) -> Gradient:
    return Gradient(
        DetectionLoss(*(a + b for a, b in zip(one.loss, other.loss, strict=True))),
        one.gradient + other.gradient,
        one.statistics + other.statistics,
    )
