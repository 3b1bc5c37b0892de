"""Estimates the duration of a campaign's shared training from the shared trainings of earlier campaigns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median

from nas_controller.entities import SharedTrainingDocument, SharedTrainingEstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import SharedEstimateBasis
from nas_controller.store import Store
from search_space.proxy_task import ProxyTask
from search_space.weights_files import shared_weights_dir, weights_file_name


def shared_training_estimate(store: Store, spec: CampaignSpec, data_dir: Path) -> SharedTrainingEstimateDocument | None:
    """Estimates the shared training of a campaign; None for a task without one. Raises StoreUnavailableError."""
    task = spec.proxy_task.resolve()
    if task.kind != "shared":
        return None

    def trains_alike(other: CampaignSpec) -> bool:
        other_task = other.proxy_task.resolve()
        return (
            other_task.kind == "shared"
            and _duration_of(other_task) == _duration_of(task)
            and other.search_space == spec.search_space
        )

    def has_same_weights(other: CampaignSpec) -> bool:
        return other.dataset == spec.dataset and other.proxy_task.resolve().shared_task() == task.shared_task()

    similar = store.reads.shared_trainings(trains_alike)
    same_workers = [
        training
        for other, training in similar
        if (other.parallelism, other.resources) == (spec.parallelism, spec.resources)
    ]
    devices = _devices(store, spec, same_workers)
    trained_alike = [training for training in same_workers if not training.is_reused]
    if any(has_same_weights(other) and _is_kept(training, data_dir) for other, training in similar):
        return _estimate(devices, "kept", [training for _, training in similar if training.is_reused])
    if trained_alike:
        return _estimate(devices, "same-workers", trained_alike)
    trained = [training for _, training in similar if not training.is_reused]
    return _estimate(devices, "same-task" if trained else "nothing", trained)


def _duration_of(task: ProxyTask) -> ProxyTask:
    """The fields of the training of shared weights that its duration may depend on."""
    return replace(task.shared_task(), shared_seed=0)


def _is_kept(training: SharedTrainingDocument, data_dir: Path) -> bool:
    """Whether the file of the trained weights is there."""
    directory = shared_weights_dir(data_dir / "cache")
    return training.identity is not None and (directory / weights_file_name(training.identity)).is_file()


def _devices(store: Store, spec: CampaignSpec, same_workers: list[SharedTrainingDocument]) -> float:
    """The devices of the training, by the newest one with the same workers whose record has them.

    Without one: the devices of one trial where all living supervisors train on a cluster, else of all trials at once.
    """
    known = [training.devices for training in same_workers if training.devices is not None]
    if known:
        return known[0]
    living = [supervisor for supervisor in store.reads.list_supervisors() if supervisor.is_alive]
    on_cluster = bool(living) and all(supervisor.processors is None for supervisor in living)
    return spec.resources.devices_in_place_of(1 if on_cluster else spec.parallelism)


def _estimate(
    devices: float, basis: SharedEstimateBasis, trainings: list[SharedTrainingDocument]
) -> SharedTrainingEstimateDocument:
    if basis == "nothing":
        return SharedTrainingEstimateDocument(basis=basis, measured_trainings=0, wall_seconds=None, device_hours=None)
    wall = median(training.seconds for training in trainings) if trainings else 0.0
    hours = wall * devices / 3600
    return SharedTrainingEstimateDocument(
        basis=basis,
        measured_trainings=len(trainings),
        wall_seconds=round(wall, 3),
        device_hours=round(hours, 6),
    )
