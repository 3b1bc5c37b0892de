"""A training graph and an inference graph, traced once, that run every architecture of one structure.

Architectures of one structure differ in channel counts only, which TensorFlow's kernels accept at run time. So the
parameters are stored in flat vectors, and the graph splits them into tensors whose channel dimensions are dynamic.
Another architecture is another vector and another table of shapes: data, not a new trace.

XLA, which TPUs need, requires static shapes. With the task's `jit_compile`, each architecture has two graphs of its
own; an LRU cache holds those of the last few architectures.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.layout import DynamicLayout, StaticLayout
from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.micro_batches import MicroBatches, visible_devices
from proxy_trainer.engine.optimizers import OptimizerState, has_second_moment, optimizer_step
from proxy_trainer.engine.proxy_network import Network, ProxyNetwork, parameters_of
from proxy_trainer.engine.training_batch import TrainingBatch
from search_space.anchors import anchor_boxes
from search_space.architecture import Architecture
from search_space.networks.retinanet import retinanet
from search_space.parameters import Parameter, by_kind, initial_values
from search_space.proxy_task import ProxyTask
from search_space.published import SP_EFFICIENTNET_B0
from search_space.topology import NUM_BLOCKS

COMPILED_ARCHITECTURES = 2
"""Size of the LRU cache of graphs with `jit_compile`, in architectures."""


class EngineState(NamedTuple):
    """The training state of the loaded architecture: all that the next step depends on but its batch, rate and seed.

    Flat float32 vectors in the order of `search_space.cost.parameters`: the trainable `weights`, the optimiser's
    moments `first` and `second` (empty if it has none), the moving `average` of the weights, the running `statistics`
    of batch normalisation. `steps_done` counts the steps, for the bias correction of AdamW.
    """

    weights: npt.NDArray[np.float32]
    first: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    average: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]
    steps_done: int


def fresh_state(task: ProxyTask, parameters: Sequence[Parameter], seed: int) -> EngineState:
    """The state of a network with these parameters and weights from `seed` before its first step."""
    trainable, statistics = by_kind(parameters)
    return untrained_state(task, initial_values(trainable, seed), initial_values(statistics, seed))


def untrained_state(task: ProxyTask, weights: npt.NDArray[Any], statistics: npt.NDArray[Any]) -> EngineState:
    """The state before the first step: the average is the weights, and the moments are zero."""
    second = np.zeros_like(weights) if has_second_moment(task) else np.zeros(0, np.float32)
    return EngineState(weights, np.zeros_like(weights), second, weights, statistics, 0)


class _Graphs(NamedTuple):
    """The traced functions of a structure or of one architecture: a training step, predictions for images, and the
    batch-norm statistics of images.
    """

    train: Callable[..., DetectionLoss]
    predict: Callable[..., Any]
    statistics: Callable[..., tf.Tensor]


class Engine:
    """Trains and runs proxy networks of one structure; `load` selects the architecture.

    The structure is the repeats and operations of `like`; task and number of classes are fixed too. The first call of
    each graph traces it. Loading another architecture does not retrace it, except with the task's `jit_compile`.
    `network` is the detector, as a function over `Ops`.

    A batch is split evenly over `devices`, TensorFlow device names, by default all visible GPUs. Weights, moments and
    inference are on the first. Raises InvalidValueError for a batch that does not divide evenly.
    """

    def __init__(
        self,
        task: ProxyTask,
        class_slots: int,
        like: Architecture = SP_EFFICIENTNET_B0,
        *,
        network: Network = retinanet,
        devices: Sequence[str] | None = None,
    ) -> None:
        self._task = task
        self._class_slots = class_slots
        self._network = network
        self._micro_batches = MicroBatches.of(task, visible_devices(task) if devices is None else devices)
        self._device = self._micro_batches.devices[0]
        # With unequal widths, after scaling, the network has every parameter that any architecture can have.
        self._superset = replace(task.architecture(like, class_slots), widths=tuple(range(1, NUM_BLOCKS + 1)))
        self._trainings_traced = 0
        self._predictions_traced = 0
        self._compiled: OrderedDict[Architecture, _Graphs] = OrderedDict()
        self._largest_batch = 0
        with tf.device(self._device):
            self._layout = DynamicLayout(parameters_of(network, self._superset))
            self._weights, self._first, self._second, self._average, self._decay, self._statistics = (
                tf.Variable(tf.zeros([0]), shape=[None], trainable=False, name=name)
                for name in ("weights", "first_moment", "second_moment", "average", "decay", "statistics")
            )
            self._steps_done = tf.Variable(0, trainable=False, name="steps_done")
            self._graphs = self._build_graphs(self._superset, self._layout)
        anchors = len(anchor_boxes(task.image_px, task.anchor_size))
        self._suppress = tf.function(
            non_max_suppression,
            input_signature=[tf.TensorSpec([None, anchors, 4]), tf.TensorSpec([None, anchors, class_slots])],
            autograph=False,
        )

    def _build_graphs(self, architecture: Architecture, layout: DynamicLayout | StaticLayout) -> _Graphs:
        """The graphs of a layout; each is traced at its first call."""
        task, compiled = self._task, isinstance(layout, StaticLayout)
        network = ProxyNetwork(task, architecture, layout, self._network)
        images = task.batch_size if compiled else None
        pixels = tf.TensorSpec([None, task.image_px, task.image_px, 3], tf.uint8)
        sizes = tf.TensorSpec([None, 2], tf.int32)
        batch = TrainingBatch(
            pixels=tf.TensorSpec([images, *pixels.shape[1:]], tf.uint8),
            sizes=tf.TensorSpec([images, 2], tf.int32),
            windows=tf.TensorSpec([images, 4]),
            boxes=tf.TensorSpec([images, None, 4]),
            classes=tf.TensorSpec([images, None], tf.int32),
            matches=tf.TensorSpec([images, len(anchor_boxes(task.image_px, task.anchor_size))], tf.int16),
        )
        settings: dict[str, Any] = {"autograph": False, "jit_compile": True if compiled else None}
        return _Graphs(
            train=tf.function(
                partial(self._train_step, network),
                input_signature=[batch, tf.TensorSpec([]), tf.TensorSpec([2], tf.int32)],
                **settings,
            ),
            predict=tf.function(
                partial(self._predict if compiled else self._detect, network),
                input_signature=[pixels, sizes],
                **settings,
            ),
            statistics=tf.function(
                partial(self._batch_statistics, network), input_signature=[pixels, sizes], **settings
            ),
        )

    def _compiled_graphs(self, architecture: Architecture) -> _Graphs:
        """The graphs of one architecture with static shapes, from the cache or new ones."""
        graphs = self._compiled.pop(architecture, None)
        if graphs is None:
            with tf.device(self._device):
                graphs = self._build_graphs(architecture, StaticLayout(parameters_of(self._network, architecture)))
        self._compiled[architecture] = graphs
        if len(self._compiled) > COMPILED_ARCHITECTURES:
            self._compiled.popitem(last=False)
        return graphs

    def supports(self, candidate: Architecture) -> bool:
        """Whether the candidate has the structure of this engine."""
        return candidate.structure == self._superset.structure

    def load(self, candidate: Architecture, seed: int, start: EngineState | None = None) -> None:
        """Loads the proxy network of a candidate: in the state `start`, or with fresh weights from `seed`.

        Raises ValueError for a candidate of another structure, and for a state whose lengths do not fit its network.
        """
        if not self.supports(candidate):
            raise ValueError(f"{candidate.name} has structure {candidate.structure}, not {self._superset.structure}")
        architecture = self._task.architecture(candidate, self._class_slots)
        parameters = parameters_of(self._network, architecture)
        if start is not None:
            _check_lengths(start, _lengths(self._task, parameters))
        if self._task.jit_compile:
            self._graphs = self._compiled_graphs(architecture)
        self._layout.load(parameters)
        decays = [np.full(p.size, self._task.weight_decay * p.is_decayed) for p in parameters if p.is_trainable]
        self._decay.assign(np.concatenate(decays))
        self._assign(fresh_state(self._task, parameters, seed) if start is None else start)

    def train_step(self, batch: TrainingBatch, learning_rate: float, path_seed: tuple[int, int]) -> DetectionLoss:
        """One step of the task's optimiser; returns the loss before it. `path_seed` seeds stochastic depth."""
        with tf.device(self._device):
            loss = self._graphs.train(batch, tf.constant(learning_rate), tf.constant(path_seed))
        return DetectionLoss(*(float(part) for part in loss))

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections with the averaged weights on padded images `[batch, px, px, 3]` of `sizes` `[batch, 2]`."""
        with tf.device(self._device):
            if not self._task.jit_compile:
                detections = self._graphs.predict(pixels, sizes)
            else:
                count = len(pixels)
                # Smaller batches are padded, because another batch size would be compiled anew.
                self._largest_batch = max(self._largest_batch, count)
                padded = (_pad_batch(values, self._largest_batch) for values in (pixels, sizes))
                boxes, scores = self._graphs.predict(*padded)
                detections = self._suppress(boxes[:count], scores[:count])
        return DetectionBatch(*(values.numpy() for values in detections))

    @contextmanager
    def recalibrated(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32], batch: int) -> Iterator[None]:
        """In the block, the statistics are those of the averaged weights on images `[images, px, px, 3]`.

        Batch-norm recalibration, as for slimmable networks (Yu and Huang, 2019): means and variances over batches of
        `batch` images, averaged over the batches. After the block, the running statistics are as before.
        """
        running = self._statistics.numpy().copy()
        starts = range(0, len(pixels), batch)
        with tf.device(self._device):
            parts = [self._graphs.statistics(pixels[i : i + batch], sizes[i : i + batch]) for i in starts]
            self._statistics.assign(tf.add_n(parts) / len(parts))
        try:
            yield
        finally:
            self._statistics.assign(running)

    def state(self) -> EngineState:
        """A copy of the current state."""
        return EngineState._make([*(vector.numpy().copy() for vector in self._vectors), int(self._steps_done.numpy())])

    def restore(self, state: EngineState) -> None:
        """Continues from a state of the loaded architecture, with the same results as without the interruption.

        Raises ValueError, and changes nothing, for a state whose vectors have other lengths.
        """
        _check_lengths(state, [len(variable.numpy()) for variable in self._vectors])
        self._assign(state)

    def _assign(self, state: EngineState) -> None:
        for variable, values in zip(self._vectors, state[:-1], strict=True):
            variable.assign(values)
        self._steps_done.assign(state.steps_done)

    @property
    def _vectors(self) -> tuple[tf.Variable, ...]:
        """The vectors in the order of `EngineState`; the weight decay is not part of the state, `load` sets it."""
        return self._weights, self._first, self._second, self._average, self._statistics

    def traces(self) -> tuple[int, int]:
        """How often the training step and the predictions were traced; with `jit_compile`, over all architectures."""
        return self._trainings_traced, self._predictions_traced

    def _train_step(
        self, network: ProxyNetwork, batch: TrainingBatch, learning_rate: tf.Tensor, path_seed: tf.Tensor
    ) -> DetectionLoss:
        self._trainings_traced += 1
        task = self._task
        weights = self._weights.read_value()
        statistics = self._statistics.read_value()
        result = self._micro_batches.gradient(network.gradient, weights, statistics, batch, path_seed)
        gradient = tf.clip_by_norm(result.gradient, task.clip_norm) if task.clip_norm else result.gradient
        state = OptimizerState(self._first, self._second)
        weights, state = optimizer_step(task, weights, gradient, state, self._decay, learning_rate, self._steps_done)
        self._first.assign(state.first)
        self._second.assign(state.second)
        self._steps_done.assign_add(1)
        self._weights.assign(weights)
        self._average.assign(task.ema_decay * self._average + (1.0 - task.ema_decay) * weights)
        self._statistics.assign(task.bn_momentum * self._statistics + (1.0 - task.bn_momentum) * result.statistics)
        return result.loss

    def _predict(self, network: ProxyNetwork, pixels: tf.Tensor, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        self._predictions_traced += 1
        return network.predictions(self._average.read_value(), self._statistics.read_value(), pixels, sizes)

    def _batch_statistics(self, network: ProxyNetwork, pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        return network.batch_statistics(self._average.read_value(), pixels, sizes)

    def _detect(self, network: ProxyNetwork, pixels: tf.Tensor, sizes: tf.Tensor) -> Any:
        return non_max_suppression(*self._predict(network, pixels, sizes))


def _lengths(task: ProxyTask, parameters: Sequence[Parameter]) -> list[int]:
    """The lengths of the vectors of a state, in the order of `EngineState`."""
    weights, statistics = (sum(p.size for p in group) for group in by_kind(parameters))
    return [weights, weights, weights if has_second_moment(task) else 0, weights, statistics]


def _check_lengths(state: EngineState, lengths: Sequence[int]) -> None:
    for name, values, length in zip(EngineState._fields, state[:-1], lengths, strict=False):
        if values.shape != (length,):
            raise ValueError(f"{name} has shape {values.shape}; this network has {(length,)}")


def _pad_batch(values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The batch padded with zeros to `size` images."""
    return np.concatenate([values, np.zeros((size - len(values), *values.shape[1:]), values.dtype)])
