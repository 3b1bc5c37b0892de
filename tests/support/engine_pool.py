"""Engines that the tests of one process share, since tracing a graph takes longer than most tests.

An engine keeps no state of earlier trials: `load` replaces it. Tests that compare two engines copy the state of the
first before the second trains, since both may be the same engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from proxy_trainer.engine.engine import Engine
from proxy_trainer.engine.proxy_network import Network
from search_space.architecture import Architecture
from search_space.networks.retinanet import retinanet
from search_space.proxy_task import ProxyTask
from search_space.published import SP_EFFICIENTNET_B0

TRAINING_LOOP_FIELDS = (
    "profile",
    "steps",
    "learning_rate",
    "reference_batch_size",
    "warmup_steps",
    "kind",
    "shared_steps",
    "shared_learning_rate",
    "shared_ema_decay",
    "shared_seed",
    "recalibration_images",
    "schedule",
    "flip",
    "scale_min",
    "scale_max",
    "reserved_images",
    "reserve_from",
    "evaluate_steps",
    "checkpoint_steps",
    "seconds",
)
"""Fields of a task that an engine does not read."""

_DEFAULTS = {field.name: field.default for field in fields(ProxyTask)}
_engines: dict[tuple[Any, ...], Engine] = {}


def shared_engine(
    task: ProxyTask,
    class_slots: int,
    like: Architecture = SP_EFFICIENTNET_B0,
    *,
    network: Network = retinanet,
    devices: Sequence[str] | None = None,
) -> Engine:
    """The engine of this process for these arguments, which are those of `Engine`.

    It may have trained before. Fields that an engine must not read have their defaults, so tests detect an engine that
    reads them.
    """
    task = replace(task, **{name: _DEFAULTS[name] for name in TRAINING_LOOP_FIELDS})
    key = (task, class_slots, like.structure, network, None if devices is None else tuple(devices))
    if key not in _engines:
        _engines[key] = Engine(task, class_slots, like, network=network, devices=devices)
    return _engines[key]
