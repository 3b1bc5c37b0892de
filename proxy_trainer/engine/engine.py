"""One training graph and one inference graph, traced once, that take every architecture of the space.

All architectures share one topology; only channel counts differ, and TensorFlow's kernels take those at run time. So
the parameters live in flat vectors, of which the graph cuts tensors whose channel dimensions are known only when it
runs. Another architecture is another vector and another table of shapes: data, not a new trace.

XLA, which TPUs need, takes no such graph. For it, with the task's `jit_compile`, each architecture has two graphs of
its own, in which every shape is known; those of the last few architectures are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.anchors import anchor_boxes
from proxy_trainer.engine.batch_parts import BatchParts, seen_devices
from proxy_trainer.engine.layout import FamilyLayout, FixedLayout
from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.optimizers import OptimizerState, keeps_squares, updated
from proxy_trainer.engine.proxy_network import Network, ProxyNetwork, parameters_of
from proxy_trainer.engine.training_batch import TrainingBatch
from search_space.architecture import Architecture
from search_space.networks.retinanet import retinanet
from search_space.parameters import Parameter, by_kind, initial_values
from search_space.proxy_task import ProxyTask
from search_space.published import SP_EFFICIENTNET_B0
from search_space.topology import NUM_BLOCKS

MAX_DETECTIONS = 100
NMS_IOU = 0.5
SCORE_THRESHOLD = 0.001
COMPILED_ARCHITECTURES = 2
"""How many architectures keep their graphs with `jit_compile`; the one longest out of use goes first."""


class DetectionBatch(NamedTuple):
    """Detections of a batch: boxes `[batch, 100, 4]` (y1, x1, y2, x2) in pixels of the padded image, scores and
    classes `[batch, 100]`, and how many of the 100 are real `[batch]`."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.float32]
    valid: npt.NDArray[np.int32]


class EngineState(NamedTuple):
    """All that the next step depends on, apart from its batch, rate and seed, of the architecture that is in.

    Flat float32 vectors in the order of `search_space.cost.parameters`: the trainable `weights`, the optimiser's
    moments `first` and `second` (empty where it keeps none), the `average` of the weights, the running `statistics`
    of batch normalisation. `steps_done` counts the steps, which AdamW reads.
    """

    weights: npt.NDArray[np.float32]
    first: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    average: npt.NDArray[np.float32]
    statistics: npt.NDArray[np.float32]
    steps_done: int


def fresh_state(task: ProxyTask, present: Sequence[Parameter], seed: int) -> EngineState:
    """The state of a network with these parameters before its first step: initial weights from `seed`, no moments."""
    trainable, statistics = by_kind(present)
    weights = initial_values(trainable, seed)
    return EngineState(
        weights=weights,
        first=np.zeros_like(weights),
        second=np.zeros_like(weights) if keeps_squares(task) else np.zeros(0, np.float32),
        average=weights,
        statistics=initial_values(statistics, seed),
        steps_done=0,
    )


class _Graphs(NamedTuple):
    """The traced functions of a family, or of one architecture: a training step, and the predictions of images."""

    train: Callable[..., DetectionLoss]
    predict: Callable[..., Any]


class Engine:
    """Trains and runs proxy networks of one family; `load` puts an architecture in.

    The family is the proxy networks of one task over one number of classes, with the structure (repeats and
    operations) of `like`. The first call of each graph traces it; loading another architecture never does, but with
    the task's `jit_compile`. `network` is the detector, as a function over `Ops`.

    A batch is split evenly over `devices`, names that TensorFlow knows, by default all GPUs that it sees. Weights,
    moments and inference are on the first. Raises InvalidValueError for a batch that does not divide.
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
        self._parts = BatchParts.of(task, seen_devices(task) if devices is None else devices)
        self._device = self._parts.devices[0]
        # Unequal widths everywhere: the reading then holds every parameter that any architecture can have.
        unequal = replace(like, widths=tuple(range(100, 100 + 10 * NUM_BLOCKS, 10)))
        self._family = task.architecture(unequal, class_slots)
        self._trainings_traced = 0
        self._predictions_traced = 0
        self._compiled: OrderedDict[Architecture, _Graphs] = OrderedDict()
        self._rows = 0
        with tf.device(self._device):
            self._layout = FamilyLayout(parameters_of(network, self._family))
            self._weights, self._first, self._second, self._average, self._decay, self._statistics = (
                tf.Variable(tf.zeros([0]), shape=[None], trainable=False, name=name)
                for name in ("weights", "first_moment", "second_moment", "average", "decay", "statistics")
            )
            self._steps_done = tf.Variable(0, trainable=False, name="steps_done")
            self._graphs = self._traceable(self._family, self._layout)
        anchors = len(anchor_boxes(task.image_px, task.anchor_size))
        self._suppress = tf.function(
            _suppressed,
            input_signature=[tf.TensorSpec([None, anchors, 4]), tf.TensorSpec([None, anchors, class_slots])],
            autograph=False,
        )

    def _traceable(self, architecture: Architecture, layout: FamilyLayout | FixedLayout) -> _Graphs:
        """The graphs of a layout, which are traced when they are first called."""
        task, compiled = self._task, isinstance(layout, FixedLayout)
        network = ProxyNetwork(task, architecture, layout, self._network)
        rows = task.batch_size if compiled else None
        pixels = tf.TensorSpec([None, task.image_px, task.image_px, 3], tf.uint8)
        sizes = tf.TensorSpec([None, 2], tf.int32)
        batch = TrainingBatch(
            pixels=tf.TensorSpec([rows, *pixels.shape[1:]], tf.uint8),
            sizes=tf.TensorSpec([rows, 2], tf.int32),
            windows=tf.TensorSpec([rows, 4]),
            boxes=tf.TensorSpec([rows, None, 4]),
            classes=tf.TensorSpec([rows, None], tf.int32),
            matches=tf.TensorSpec([rows, len(anchor_boxes(task.image_px, task.anchor_size))], tf.int16),
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
        )

    def _compiled_for(self, architecture: Architecture) -> _Graphs:
        """The graphs of this very architecture, those that are kept or new ones."""
        graphs = self._compiled.pop(architecture, None)
        if graphs is None:
            with tf.device(self._device):
                graphs = self._traceable(architecture, FixedLayout(parameters_of(self._network, architecture)))
        self._compiled[architecture] = graphs
        if len(self._compiled) > COMPILED_ARCHITECTURES:
            self._compiled.popitem(last=False)
        return graphs

    def takes(self, candidate: Architecture) -> bool:
        """Whether the candidate is of this engine's family."""
        return candidate.structure == self._family.structure

    def load(self, candidate: Architecture, seed: int, start: EngineState | None = None) -> None:
        """Put in the proxy network of a candidate: in the state `start`, else with fresh weights from `seed`.

        Raises ValueError for a candidate of another structure, and for a state of other lengths than its network has.
        """
        if not self.takes(candidate):
            raise ValueError(f"{candidate.name} has other repeats or operations than the graph of this engine")
        architecture = self._task.architecture(candidate, self._class_slots)
        present = parameters_of(self._network, architecture)
        if self._task.jit_compile:
            self._graphs = self._compiled_for(architecture)
        self._layout.load(present)
        trainable = [p for p in present if p.is_trainable]
        sizes = [p.size for p in trainable]
        self._decay.assign(np.repeat([self._task.weight_decay * p.is_decayed for p in trainable], sizes))
        state = fresh_state(self._task, present, seed) if start is None else start
        if len(state.weights) != sum(sizes):
            raise ValueError(f"the state has {len(state.weights):,} weights, and this network {sum(sizes):,}")
        self._put(state)

    def train_step(self, batch: TrainingBatch, learning_rate: float, path_seed: tuple[int, int]) -> DetectionLoss:
        """One step of the task's optimiser; the loss before it. `path_seed` seeds the draws of stochastic depth.

        The batch goes through the network in the parts of `BatchParts`.
        """
        with tf.device(self._device):
            loss = self._graphs.train(batch, tf.constant(learning_rate), tf.constant(path_seed))
        return DetectionLoss(*(float(part) for part in loss))

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections of the averaged weights on images `[batch, px, px, 3]` of `sizes` `[batch, 2]` and padding."""
        with tf.device(self._device):
            if not self._task.jit_compile:
                found = self._graphs.predict(pixels, sizes)
            else:
                count = len(pixels)
                # A batch that is smaller than those before, as the last one is, would be compiled anew.
                self._rows = max(self._rows, count)
                boxes, scores = self._graphs.predict(*(_with_rows(values, self._rows) for values in (pixels, sizes)))
                found = self._suppress(boxes[:count], scores[:count])
        return DetectionBatch(*(part.numpy() for part in found))

    def weights(self) -> npt.NDArray[np.float32]:
        """The trainable values as they are now, flat, in the order of `search_space.cost.parameters`."""
        values: npt.NDArray[np.float32] = self._weights.numpy()
        return values

    def state(self) -> EngineState:
        """The state after the last step, as copies."""
        return EngineState._make([*(vector.numpy().copy() for vector in self._vectors), int(self._steps_done.numpy())])

    def restore(self, state: EngineState) -> None:
        """Go on from a state of the architecture that is in: the next step gives what it would have given then.

        Raises ValueError, and changes nothing, for a state whose vectors are of other lengths.
        """
        for name, variable, values in zip(EngineState._fields, self._vectors, state[:-1], strict=False):
            if values.shape != variable.numpy().shape:
                raise ValueError(f"{name} has the shape {values.shape}, and in this network {variable.numpy().shape}")
        self._put(state)

    def _put(self, state: EngineState) -> None:
        for variable, values in zip(self._vectors, state[:-1], strict=True):
            variable.assign(values)
        self._steps_done.assign(state.steps_done)

    @property
    def _vectors(self) -> tuple[tf.Variable, ...]:
        """In the order of `EngineState`; the weight decay is not among them, since `load` knows it."""
        return self._weights, self._first, self._second, self._average, self._statistics

    def traces(self) -> tuple[int, int]:
        """How often a training step and the predictions were traced; with `jit_compile`, for each architecture anew."""
        return self._trainings_traced, self._predictions_traced

    def _train_step(
        self, network: ProxyNetwork, batch: TrainingBatch, learning_rate: tf.Tensor, path_seed: tf.Tensor
    ) -> DetectionLoss:
        self._trainings_traced += 1
        task = self._task
        weights = self._weights.read_value()
        found = self._parts.gradient(network.gradient, weights, self._statistics.read_value(), batch, path_seed)
        gradient = tf.clip_by_norm(found.gradient, task.clip_norm) if task.clip_norm else found.gradient
        state = OptimizerState(self._first, self._second)
        weights, state = updated(task, weights, gradient, state, self._decay, learning_rate, self._steps_done)
        self._first.assign(state.first)
        self._second.assign(state.second)
        self._steps_done.assign_add(1)
        self._weights.assign(weights)
        self._average.assign(task.ema_decay * self._average + (1.0 - task.ema_decay) * weights)
        self._statistics.assign(task.bn_momentum * self._statistics + (1.0 - task.bn_momentum) * found.statistics)
        return found.loss

    def _predict(self, network: ProxyNetwork, pixels: tf.Tensor, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        self._predictions_traced += 1
        return network.predictions(self._average.read_value(), self._statistics.read_value(), pixels, sizes)

    def _detect(self, network: ProxyNetwork, pixels: tf.Tensor, sizes: tf.Tensor) -> Any:
        return _suppressed(*self._predict(network, pixels, sizes))


def _suppressed(boxes: tf.Tensor, scores: tf.Tensor) -> Any:
    """Non-maximum suppression, in the order of `DetectionBatch`; XLA does not take it."""
    return tf.image.combined_non_max_suppression(
        boxes[:, :, None, :],
        scores,
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=NMS_IOU,
        score_threshold=SCORE_THRESHOLD,
        clip_boxes=False,
    )


def _with_rows(values: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """A batch with so many rows, the added ones of zeros."""
    return np.concatenate([values, np.zeros((rows - len(values), *values.shape[1:]), values.dtype)])
