"""One training graph and one inference graph, traced once, that take every architecture of the space.

All architectures share one topology; only channel counts differ, and TensorFlow's kernels take those at run time. So
the parameters live in flat vectors, of which the graph cuts tensors whose channel dimensions are known only when it
runs. Another architecture is another vector and another table of shapes: data, not a new trace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.anchors import anchor_boxes
from proxy_trainer.augment import view_pixels
from proxy_trainer.boxes import decode
from proxy_trainer.losses import DetectionLoss, detection_loss
from proxy_trainer.optimizers import OptimizerState, keeps_squares, updated
from proxy_trainer.targets import Matches, targets_of
from proxy_trainer.tensor_ops import TensorOps
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs, retinanet
from search_space.parameters import Parameter, initial_values
from search_space.proxy_task import ProxyTask
from search_space.published import SP_EFFICIENTNET_B0
from search_space.topology import NUM_BLOCKS

MAX_DETECTIONS = 100
NMS_IOU = 0.5
SCORE_THRESHOLD = 0.001
IMAGE_MEAN = (123.675, 116.28, 103.53)
IMAGE_DEVIATION = (58.395, 57.12, 57.375)


class DetectionBatch(NamedTuple):
    """Detections of a batch: boxes `[batch, 100, 4]` (y1, x1, y2, x2) in pixels of the padded image, scores and
    classes `[batch, 100]`, and how many of the 100 are real `[batch]`."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.float32]
    valid: npt.NDArray[np.int32]


class TrainingBatch(NamedTuple):
    """What a training step takes.

    Source `pixels` `[batch, px, px, 3]` uint8, of which `sizes` `[batch, 2]` (height, width) are image and the rest
    is padding; the sampling `windows` `[batch, 4]` of their views; `boxes` `[batch, boxes, 4]` as the views show
    them, and their `classes` `[batch, boxes]`, -1 as padding; the `matches` `[batch, anchors]` of anchors with boxes.
    """

    pixels: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    windows: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    matches: Matches


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


class _Gradient(NamedTuple):
    """Of a batch: its loss, the gradient of the weights, and the statistics of batch normalisation, flat."""

    loss: DetectionLoss
    gradient: tf.Tensor
    statistics: tf.Tensor


class _Layout:
    """Where each parameter of the family lies; those that an architecture lacks take no room."""

    def __init__(self, family: list[Parameter]) -> None:
        self.trainable = [p for p in family if p.is_trainable]
        self.statistics = [p for p in family if not p.is_trainable]
        self._sizes = {
            kind: tf.Variable(tf.zeros([len(group)], tf.int32), trainable=False, name=f"{kind}_sizes")
            for kind, group in (("trainable", self.trainable), ("statistics", self.statistics))
        }
        kernels = [p for p in self.trainable if len(p.shape) == 4]
        self._shape_rows = {p.name: row for row, p in enumerate(kernels)}
        self._shapes = tf.Variable(tf.zeros([len(kernels), 4], tf.int32), trainable=False, name="kernel_shapes")

    def load(self, present: dict[str, Parameter]) -> None:
        """Take the shapes of one architecture."""
        for kind, group in (("trainable", self.trainable), ("statistics", self.statistics)):
            sizes = [present[p.name].size if p.name in present else 0 for p in group]
            self._sizes[kind].assign(sizes)
        rows = [present[name].shape if name in present else (1, 1, 0, 0) for name in self._shape_rows]
        self._shapes.assign(rows)

    def tensors(self, trainable: tf.Tensor, statistics: tf.Tensor) -> dict[str, tf.Tensor]:
        """The parameter tensors, by name, cut from the flat vectors."""
        shapes = tf.unstack(self._shapes, num=len(self._shape_rows))
        tensors = {}
        for kind, group, flat in (
            ("trainable", self.trainable, trainable),
            ("statistics", self.statistics, statistics),
        ):
            pieces = tf.split(flat, self._sizes[kind], num=len(group))
            for parameter, piece in zip(group, pieces, strict=True):
                if len(parameter.shape) == 4:
                    piece = tf.reshape(piece, shapes[self._shape_rows[parameter.name]])
                    last = 1 if parameter.role == "depthwise_kernel" else None
                    piece.set_shape([*parameter.shape[:2], None, last])
                elif parameter.role == "fusion":
                    piece.set_shape(parameter.shape)
                tensors[parameter.name] = piece
        return tensors


class Engine:
    """Trains and runs proxy networks of one family; `load` puts an architecture in.

    The family is the proxy networks of one task over one number of classes, with the structure (repeats and
    operations) of `like`. The first call of each graph traces it; loading another architecture never does.
    """

    def __init__(self, task: ProxyTask, class_slots: int, like: Architecture = SP_EFFICIENTNET_B0) -> None:
        self._task = task
        self._class_slots = class_slots
        # Unequal widths everywhere: the reading then holds every parameter that any architecture can have.
        unequal = replace(like, widths=tuple(range(100, 100 + 10 * NUM_BLOCKS, 10)))
        self._family = task.architecture(unequal, class_slots)
        self._layout = _Layout(parameters(self._family))
        self._anchors = tf.constant(anchor_boxes(task.image_px, task.anchor_size))
        self._weights, self._first, self._second, self._average, self._decay, self._statistics = (
            tf.Variable(tf.zeros([0]), shape=[None], trainable=False, name=name)
            for name in ("weights", "first_moment", "second_moment", "average", "decay", "statistics")
        )
        self._steps_done = tf.Variable(0, trainable=False, name="steps_done")
        pixels = tf.TensorSpec([None, task.image_px, task.image_px, 3], tf.uint8)
        sizes = tf.TensorSpec([None, 2], tf.int32)
        self._train = tf.function(
            self._train_step,
            input_signature=[
                TrainingBatch(
                    pixels=pixels,
                    sizes=sizes,
                    windows=tf.TensorSpec([None, 4]),
                    boxes=tf.TensorSpec([None, None, 4]),
                    classes=tf.TensorSpec([None, None], tf.int32),
                    matches=tf.TensorSpec([None, len(self._anchors)], tf.int16),
                ),
                tf.TensorSpec([]),
                tf.TensorSpec([2], tf.int32),
            ],
            autograph=False,
        )
        self._infer = tf.function(self._detect, input_signature=[pixels, sizes], autograph=False)

    def takes(self, candidate: Architecture) -> bool:
        """Whether the candidate is of this engine's family."""
        return candidate.structure == self._family.structure

    def load(self, candidate: Architecture, seed: int) -> None:
        """Put in the fresh proxy network of a candidate: initial weights from `seed`, no moments, no statistics.

        Raises ValueError for a candidate of another structure.
        """
        if not self.takes(candidate):
            raise ValueError(f"{candidate.name} has other repeats or operations than the graph of this engine")
        present = parameters(self._task.architecture(candidate, self._class_slots))
        by_name = {p.name: p for p in present}
        self._layout.load(by_name)
        trainable = [p for p in present if p.is_trainable]
        weights = initial_values(trainable, seed)
        self._weights.assign(weights)
        self._average.assign(weights)
        self._first.assign(np.zeros_like(weights))
        self._second.assign(np.zeros_like(weights) if keeps_squares(self._task) else np.zeros(0, np.float32))
        self._steps_done.assign(0)
        self._decay.assign(
            np.repeat([self._task.weight_decay * p.is_decayed for p in trainable], [p.size for p in trainable])
        )
        self._statistics.assign(initial_values([p for p in present if not p.is_trainable], seed))

    def train_step(self, batch: TrainingBatch, learning_rate: float, path_seed: tuple[int, int]) -> DetectionLoss:
        """One step of the task's optimiser; the loss before it. `path_seed` seeds the draws of stochastic depth.

        With a `micro_batch_size`, which divides the batch, so many images go through the network at a time.
        """
        loss = self._train(batch, tf.constant(learning_rate), tf.constant(path_seed))
        return DetectionLoss(*(float(part) for part in loss))

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections of the averaged weights on images `[batch, px, px, 3]` of `sizes` `[batch, 2]` and padding."""
        return DetectionBatch(*(part.numpy() for part in self._infer(pixels, sizes)))

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
        for variable, values in zip(self._vectors, state[:-1], strict=True):
            variable.assign(values)
        self._steps_done.assign(state.steps_done)

    @property
    def _vectors(self) -> tuple[tf.Variable, ...]:
        """In the order of `EngineState`; the weight decay is not among them, since `load` knows it."""
        return self._weights, self._first, self._second, self._average, self._statistics

    def traces(self) -> tuple[int, int]:
        """How often the training and the inference graph were traced."""
        return self._train.experimental_get_tracing_count(), self._infer.experimental_get_tracing_count()

    def _train_step(self, batch: TrainingBatch, learning_rate: tf.Tensor, path_seed: tf.Tensor) -> DetectionLoss:
        task = self._task
        weights = self._weights.read_value()
        whole = task.micro_batch_size in (0, task.batch_size)
        found = (self._gradient if whole else self._accumulated)(weights, batch, path_seed)
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

    def _gradient(self, weights: tf.Tensor, batch: TrainingBatch, path_seed: tf.Tensor) -> _Gradient:
        """Loss and gradient of a batch that goes through the network at once."""
        images = view_pixels(normalise(batch.pixels, batch.sizes), batch.windows)
        targets = targets_of(self._anchors, batch.boxes, batch.classes, batch.matches)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            tensors = self._layout.tensors(weights, self._statistics)
            ops = TensorOps(tensors, training=True, drop_rate=self._task.stochastic_depth, path_seed=path_seed)
            loss = detection_loss(*self._flatten(retinanet(ops, self._family, images)), targets)
        statistics = tf.concat([ops.batch_statistics[p.name] for p in self._layout.statistics], axis=0)
        return _Gradient(loss, tape.gradient(loss.total, weights), statistics)

    def _accumulated(self, weights: tf.Tensor, batch: TrainingBatch, path_seed: tf.Tensor) -> _Gradient:
        """Loss and gradient of a batch that goes through the network in parts, one after another.

        A part's loss is per positive anchor of its own; weighted by its share of all positives, the sum is the loss
        of the whole batch. What is not the same as at once: batch normalisation sees a part only, whose statistics
        are averaged, and stochastic depth draws anew for each part.
        """
        size = self._task.micro_batch_size
        parts = self._task.batch_size // size
        positives = _positives(batch)

        def add(part: tf.Tensor, so_far: _Gradient) -> tuple[tf.Tensor, _Gradient]:
            micro = TrainingBatch._make(values[part * size : (part + 1) * size] for values in batch)
            found = self._gradient(weights, micro, tf.random.experimental.stateless_fold_in(path_seed, part))
            share = _positives(micro) / positives
            return part + 1, _Gradient(
                DetectionLoss(*(old + share * new for old, new in zip(so_far.loss, found.loss, strict=True))),
                so_far.gradient + share * found.gradient,
                so_far.statistics + found.statistics / parts,
            )

        nothing = _Gradient(
            DetectionLoss(*(tf.zeros([]) for _ in DetectionLoss._fields)),
            tf.zeros_like(weights),
            tf.zeros_like(self._statistics),
        )
        # One at a time: parts that run side by side would all be in memory.
        start = (tf.constant(0), nothing)
        found: _Gradient = tf.while_loop(lambda part, _: part < parts, add, start, parallel_iterations=1)[1]
        return found

    def _detect(self, pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        ops = TensorOps(self._layout.tensors(self._average, self._statistics), training=False)
        logits, codes = self._flatten(retinanet(ops, self._family, normalise(pixels, sizes)))
        boxes = decode(codes, self._anchors, (self._task.image_px, self._task.image_px))
        return tf.image.combined_non_max_suppression(
            boxes[:, :, None, :],
            tf.nn.sigmoid(logits),
            max_output_size_per_class=MAX_DETECTIONS,
            max_total_size=MAX_DETECTIONS,
            iou_threshold=NMS_IOU,
            score_threshold=SCORE_THRESHOLD,
            clip_boxes=False,
        )

    def _flatten(self, outputs: RetinaNetOutputs[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Class logits `[batch, anchors, classes]` and box codes `[batch, anchors, 4]` over all levels."""
        count = len(self._anchors)

        def over_levels(parts: dict[int, tf.Tensor], values: int) -> tf.Tensor:
            flat = [tf.reshape(parts[level], [tf.shape(parts[level])[0], -1, values]) for level in LEVELS]
            return tf.ensure_shape(tf.concat(flat, axis=1), [None, count, values])

        return over_levels(outputs.class_logits, self._class_slots), over_levels(outputs.boxes, 4)


def _positives(batch: TrainingBatch) -> tf.Tensor:
    """What `detection_loss` divides by: the positive anchors of a batch and one more, so that it is never nothing."""
    return tf.math.count_nonzero(batch.matches >= 0, dtype=tf.float32) + 1.0


def normalise(pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Pixels `[batch, px, px, 3]` with the mean and deviation of natural images taken out, and zero padding.

    The padding is zero after this, not before: as black it would be the strongest edge of a bright image.
    """
    rows, columns = (tf.sequence_mask(sizes[:, axis], pixels.shape[1 + axis], tf.float32) for axis in (0, 1))
    content = rows[:, :, None, None] * columns[:, None, :, None]
    return (tf.cast(pixels, tf.float32) - tf.constant(IMAGE_MEAN)) / tf.constant(IMAGE_DEVIATION) * content
