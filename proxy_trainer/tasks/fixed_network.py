"""Trains one network of fixed widths by one traced step: the part of a trainee that all tasks share."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.layout import StaticLayout
from proxy_trainer.engine.optimizers import OptimizerState, has_second_moment, optimizer_step
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.tasks.ahead import Ahead
from proxy_trainer.tasks.inference_ops import Kind
from proxy_trainer.training.detection_trainee import software
from proxy_trainer.training.trainee import Trainee
from search_space.architecture import Architecture
from search_space.catalogue import Model
from search_space.detector_model import Origin, Tensors, tensors_content
from search_space.parameters import Parameter, by_kind, initial_values
from search_space.proxy_task import ProxyTask
from search_space.task_model import TaskModel, save_task_model
from search_space.task_network import TaskNetwork
from search_space.task_recipes import TaskRecipe

B = TypeVar("B")


@dataclass(frozen=True, eq=False)
class TaskOptions:
    """What a task is trained on and how.

    `data_dir` holds the data set in the layout of the task, `cache_dir` decoded images. `seed` determines the initial
    weights and the batches. `start` has tensors by parameter name, such as those of a detector, that replace initial
    weights where their shapes agree. `threads` decode images.
    """

    model: Model | Architecture
    data_dir: Path
    cache_dir: Path
    recipe: TaskRecipe
    seed: int = 0
    start: Tensors | None = None
    threads: int = 1


class FixedTrainee(Trainee, Generic[B]):
    """A `Trainee` with a network of fixed widths; a task supplies batches, losses and metrics.

    Weights, both moments and the averages are flat vectors in the order of `network.parameters`. The scored weights
    are the moving averages, of the running statistics of batch normalisation too. `classes` has the `{id, name}` of
    each class of the data, `train_images` is the number of training images.
    """

    main_metric: str

    def __init__(
        self, options: TaskOptions, network: TaskNetwork, classes: list[dict[str, Any]], train_images: int
    ) -> None:
        self.options = options
        self.train_images = train_images
        self.recipe = options.recipe
        self.task: ProxyTask = options.recipe.training
        self.network = network
        self.classes = classes
        parameters = network.parameters()
        trainable, statistics = by_kind(parameters)
        self._layout = StaticLayout(parameters)
        self._parameters = trainable, statistics
        weights, running = (_initial(group, options.seed, options.start) for group in (trainable, statistics))
        second = np.zeros_like(weights) if has_second_moment(self.task) else np.zeros(0, np.float32)
        self._vectors = {
            name: tf.Variable(values, trainable=False, name=name)
            for name, values in {
                "weights": weights,
                "first_moment": np.zeros_like(weights),
                "second_moment": second,
                "average": weights,
                "statistics": running,
                "average_statistics": running,
                "steps_done": np.zeros((), np.int32),
            }.items()
        }
        self._decay = tf.constant(
            np.repeat([self.task.weight_decay * p.is_decayed for p in trainable], [p.size for p in trainable]),
            tf.float32,
        )
        self._train = tf.function(
            self._step,
            input_signature=[self._batch_signature(), tf.TensorSpec([]), tf.TensorSpec([2], tf.int32)],
            autograph=False,
        )
        self._batches: Ahead[B] = Ahead(self._batch, self.task.steps)

    @abstractmethod
    def _batch(self, step: int) -> B:
        """The batch of a step, a named tuple of arrays; a pure function of seed and step, called in a thread."""

    @abstractmethod
    def _batch_signature(self) -> B:
        """The tensor specifications of a batch."""

    @abstractmethod
    def _losses(self, ops_of: Callable[..., Any], batch: B) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        """The loss terms of a batch, of which "loss" is the total, and the interpreter that the network was run by.

        `ops_of(kind, **settings)` makes the interpreter of this step: an instance of `kind`, a class of `TensorOps`.
        """

    @abstractmethod
    def evaluate(self) -> dict[str, float | None]:
        """The metrics of the averaged weights on the held-out images."""

    @abstractmethod
    def data_digest(self) -> str:
        """A SHA-256 of the data that weights and metrics depend on."""

    @abstractmethod
    def data_section(self) -> dict[str, Any]:
        """What identifies the data, as JSON values, with the splits as `train` and `reserved`."""

    def identity(self) -> dict[str, Any]:
        """Everything that the weights depend on, as JSON values: a training continues only where it is equal."""
        start = self.options.start
        return {
            "network": self.network.to_dict(),
            "recipe": self.recipe.to_dict(),
            "seed": self.options.seed,
            "data": self.data_digest(),
            "start": None if start is None else hashlib.sha256(tensors_content(start)).hexdigest(),
        }

    @property
    def steps_done(self) -> int:
        """The training steps done so far."""
        return int(self._vectors["steps_done"].numpy())

    def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
        """Trains step `step` (from 0); returns the terms of the loss before it."""
        seed = tf.constant([self.options.seed, step], tf.int32)
        terms = self._train(self._batches.batch(step), tf.constant(learning_rate, tf.float32), seed)
        return {name: float(value) for name, value in terms.items()}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of all vectors and the number of steps, by name."""
        return {name: np.array(vector.numpy()) for name, vector in self._vectors.items()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Continues from a `state`. Raises ValueError, and changes nothing, for a state of another network."""
        if state.keys() != self._vectors.keys():
            raise ValueError(f"the state has {', '.join(sorted(state))}; it must have {', '.join(self._vectors)}")
        for name, vector in self._vectors.items():
            if np.shape(state[name]) != tuple(vector.shape):
                raise ValueError(f"{name} has shape {np.shape(state[name])}; this network has {tuple(vector.shape)}")
        for name, vector in self._vectors.items():
            vector.assign(state[name])

    def tensors(self) -> Tensors:
        """The averaged weights and statistics by parameter name."""
        trainable, statistics = self._parameters
        average, running = (self._vectors[name].numpy() for name in ("average", "average_statistics"))
        return {**_split(average, trainable), **_split(running, statistics)}

    def save(self, directory: Path, figures: Mapping[str, float | None] | None) -> None:
        """Writes the averaged weights as a model directory (`search_space.task_model`). Raises OSError."""
        save_task_model(self._model(figures), directory)

    def _model(self, figures: Mapping[str, float | None] | None) -> TaskModel:
        origin: Origin = "trained" if self.steps_done else "initial"
        model = self.options.model
        return TaskModel(
            self.network,
            model.name,
            self.classes,
            self.tensors(),
            origin,
            self.options.seed,
            self.task.anchor_size if self.network.task in ("detection", "instance-segmentation") else None,
            {"recipe": self.recipe.to_dict(), "steps_done": self.steps_done, "seed": self.options.seed},
            None if figures is None else dict(figures),
            self._provenance,
        )

    @cached_property
    def _provenance(self) -> dict[str, Any]:
        dataset = self.options.data_dir.resolve().name
        return {"dataset": dataset, "data": self.data_section(), "versions": software()}

    def _inference_ops(self, kind: type[Kind], /) -> Kind:
        """The interpreter of the averaged weights, for a graph that is being traced (`MakeOps`)."""
        tensors = self._layout.split_weights(self._vectors["average"].read_value()).tensors
        statistics = self._layout.split_statistics(self._vectors["average_statistics"].read_value())
        return kind(tensors | statistics, training=False)

    def _step(self, batch: B, learning_rate: tf.Tensor, path_seed: tf.Tensor) -> dict[str, tf.Tensor]:
        task, vectors = self.task, self._vectors
        weights = vectors["weights"].read_value()
        with tf.GradientTape() as tape:
            tape.watch(weights)
            tensors = self._layout.split_weights(weights).tensors
            make = partial(_make_ops, tensors, training=True, drop_rate=task.stochastic_depth, path_seed=path_seed)
            ops, terms = self._losses(make, batch)
        gradient = tape.gradient(terms["loss"], weights)
        if task.clip_norm:
            gradient = tf.clip_by_norm(gradient, task.clip_norm)
        state = OptimizerState(vectors["first_moment"].read_value(), vectors["second_moment"].read_value())
        steps_done = vectors["steps_done"].read_value()
        weights, state = optimizer_step(task, weights, gradient, state, self._decay, learning_rate, steps_done)
        measured = tf.concat([ops.batch_statistics[name] for name in self._layout.statistic_names], axis=0)
        statistics = _moved(vectors["statistics"], measured, task.bn_momentum)
        values = {
            "weights": weights,
            "first_moment": state.first,
            "second_moment": state.second,
            "average": _moved(vectors["average"], weights, task.ema_decay),
            "statistics": statistics,
            "average_statistics": _moved(vectors["average_statistics"], statistics, task.ema_decay),
            "steps_done": steps_done + 1,
        }
        for name, value in values.items():
            vectors[name].assign(value)
        return terms


def _make_ops(tensors: Mapping[str, tf.Tensor], kind: type[TensorOps] = TensorOps, **settings: Any) -> TensorOps:
    return kind(tensors, **settings)


def _moved(average: tf.Variable, values: tf.Tensor, decay: float) -> tf.Tensor:
    """The moving average with the new values."""
    return decay * average.read_value() + (1.0 - decay) * values


def _initial(group: list[Parameter], seed: int, start: Tensors | None) -> npt.NDArray[np.float32]:
    """The flat vector of initial values; those of `start` where a tensor has the name and the shape."""
    parts = []
    for parameter in group:
        given = None if start is None else start.get(parameter.name)
        if given is not None and given.shape == parameter.shape:
            parts.append(np.ravel(given))
        else:
            parts.append(initial_values([parameter], seed))
    return np.concatenate(parts, dtype=np.float32)


def _split(flat: npt.NDArray[np.float32], group: list[Parameter]) -> dict[str, npt.NDArray[np.float32]]:
    ends = np.cumsum([parameter.size for parameter in group])
    pieces = np.split(flat, ends[:-1])
    return {p.name: piece.reshape(p.shape).copy() for p, piece in zip(group, pieces, strict=True)}
