"""Detectors and engines: a trained state as a detector with named tensors, and a detector in an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from proxy_trainer.engine.engine import Engine, EngineState, untrained_state
from search_space.architecture import Architecture
from search_space.coco_metrics import METRICS
from search_space.cost import parameters
from search_space.detector_model import DetectorModel, Origin, Tensors
from search_space.document import BlockSpecification
from search_space.parameters import Parameter, by_kind
from search_space.proxy_task import ProxyTask


def tensors_of(state: EngineState, network: Sequence[Parameter]) -> Tensors:
    """The averaged weights and the batch-norm statistics of a state, by parameter name.

    Within `Engine.recalibrated`, the statistics of `Engine.state` are the recalibrated ones.
    """
    trainable, statistics = by_kind(network)
    return {**_split(state.average, trainable), **_split(state.statistics, statistics)}


def state_of(tensors: Tensors, network: Sequence[Parameter], task: ProxyTask) -> EngineState:
    """The state before the first step of a training that starts from these tensors; the inverse of `tensors_of`."""
    weights, statistics = (_flat(tensors, group) for group in by_kind(network))
    return untrained_state(task, weights, statistics)


def detector_of(
    state: EngineState,
    network: Architecture,
    task: ProxyTask,
    categories: Sequence[tuple[int | str, str]],
    *,
    origin: Origin,
    seed: int,
    figures: Mapping[str, float | None] | None = None,
) -> DetectorModel:
    """The detector of a state in training by `task`, whose data have these `categories` (id, name) by class slot.

    `figures` are the COCO metrics that were measured of it; other names in them are left out.
    """
    specification = BlockSpecification(
        network,
        provenance={},
        anchor_size=task.anchor_size,
        classes=[{"id": identifier, "name": name} for identifier, name in categories],
        training={"proxy_task": task.to_dict(), "seed": seed},
        figures=None if figures is None else {name: figures[name] for name in METRICS if name in figures},
    )
    return DetectorModel(specification, tensors_of(state, parameters(network)), origin, seed)


def task_of(specification: BlockSpecification, task: ProxyTask) -> ProxyTask:
    """`task` for exactly the network of a specification: its widths, subnets, image size and anchors."""
    network = specification.architecture
    return replace(
        task,
        width_multiplier=1.0,
        width_divisor=1,
        image_px=network.input_px,
        subnet_width=network.subnet_width,
        subnet_layers=network.subnet_layers,
        anchor_size=specification.anchor_size,
    )


def load_engine(model: DetectorModel, task: ProxyTask, warm: Engine | None = None) -> Engine:
    """An engine with the detector loaded, for inference or as the start of a training by `task`.

    `warm` is one that `task` and a detector that differs in its widths alone were loaded in; it is used again.
    """
    network = model.architecture
    task = task_of(model.specification, task)
    engine = warm or Engine(task, network.class_slots, like=network)
    engine.load(network, seed=0, start=state_of(model.tensors, parameters(network), task))
    return engine


def _split(flat: npt.NDArray[np.float32], group: Sequence[Parameter]) -> dict[str, npt.NDArray[np.float32]]:
    ends = np.cumsum([parameter.size for parameter in group])
    pieces = np.split(flat, ends[:-1])
    return {p.name: piece.reshape(p.shape).copy() for p, piece in zip(group, pieces, strict=True)}


def _flat(tensors: Tensors, group: Sequence[Parameter]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.ravel(tensors[parameter.name]) for parameter in group], dtype=np.float32)
