"""A slice of the shared weights of a search as the start of a training."""

from __future__ import annotations

from pathlib import Path

from proxy_trainer.data.data_identity import SplitIdentity
from proxy_trainer.training.detectors import tensors_of
from proxy_trainer.training.start_weights import SHARED, StartWeights
from proxy_trainer.training.supernet import Supernet
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import SearchSpace
from search_space.weights_files import shared_weights_dir


def shared_weights(
    task: ProxyTask, candidate: Architecture, network: Architecture, train: SplitIdentity, cache_dir: Path, seed: int
) -> StartWeights:
    """The slice of `candidate` from the shared weights of `task` on the training images; `network` is trained from it.

    Raises InvalidValueError where they are not in the cache directory, or are of another network.
    """
    space = SearchSpace()
    if candidate.structure != space.base.structure:
        raise InvalidValueError(
            f"{candidate.name} has other repeats or operations than {space.base.name}, whose widths the shared weights "
            "are of",
            field="start",
        )
    sliced = task.architecture(candidate, network.class_slots)
    if sliced != network:
        raise InvalidValueError(
            f"the shared weights of profile {task.profile} are of networks with width_multiplier "
            f"{task.width_multiplier:g} at {task.image_px} px with subnets of {task.subnet_width} channels, which this "
            "training's network is not; use the recipe laptop-final, or set these fields",
            field="start",
        )
    supernet = Supernet(task, network.class_slots, space, train.sha256)
    if not supernet.load(shared_weights_dir(cache_dir)):
        raise InvalidValueError(
            f"there are no shared weights of profile {task.profile} for these training images in "
            f"{shared_weights_dir(cache_dir)}; a search with this profile trains them",
            field="start",
        )
    tensors = tensors_of(supernet.initial_state(candidate, seed), parameters(network))
    return StartWeights(tensors, {"kind": SHARED, "profile": task.profile, "sha256": supernet.trained.sha256})
