"""From what a client asks for to a training that is checked, by the functions that `effspine train` uses.

TensorFlow and the content of the data set are left to the process that trains; what only they show makes it fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nas_controller.exports.exported_trial import ExportedTrial, file_stem, find_exported
from nas_controller.store import Store, TrainingRequest
from nas_controller.trainings.spec import TrainingSpec
from nas_controller.trainings.starts import Start, start_of
from search_space.architecture import Architecture
from search_space.catalogue import Model, Task
from search_space.datasets import dataset_path
from search_space.document import BlockSpecification, block_specification, read_block_specification
from search_space.errors import InvalidValueError
from search_space.trained_model import catalogue_model, check_recipe, known_task, model_names


def training_request(store: Store, data_dir: Path, spec: TrainingSpec) -> TrainingRequest:
    """The training that a client asks for.

    Raises NotFoundError for an unknown campaign or trial, ConflictError for start weights that the trial does not
    have, and InvalidValueError, with the field, for everything else that cannot be trained.
    """
    task = known_task(spec.task)
    if spec.campaign_id is not None:
        return _of_trial(store, data_dir, spec, task, find_exported(store, spec.campaign_id, spec.trial))
    if spec.trial is not None:
        raise InvalidValueError(f"trial is {spec.trial}; name its campaign in campaign_id too", field="trial")
    trained, specification = _architecture(task, spec.architecture)
    check_recipe(task, trained, spec.recipe, spec.overrides)
    return TrainingRequest(
        **_common(data_dir, spec, spec.dataset, trained.name),
        **_start(start_of(store, data_dir, spec, task, trained, None)),
        model=trained.name if specification is None else None,
        specification=specification,
    )


def _of_trial(store: Store, data_dir: Path, spec: TrainingSpec, task: Task, exported: ExportedTrial) -> TrainingRequest:
    if spec.architecture is not None:
        raise InvalidValueError("give either architecture or campaign_id, not both", field="architecture")
    specification = exported.specification()
    check_recipe(task, specification.architecture, spec.recipe, spec.overrides)
    return TrainingRequest(
        **_common(data_dir, spec, spec.dataset or exported.campaign.spec.dataset, exported.name),
        campaign_id=exported.campaign.id,
        trial=exported.trial.number,
        specification=block_specification(specification),
        **_start(start_of(store, data_dir, spec, task, specification.architecture, exported)),
    )


def _common(data_dir: Path, spec: TrainingSpec, dataset: str | None, architecture: str) -> dict[str, Any]:
    """The fields that do not depend on what is trained."""
    if dataset is None:
        raise InvalidValueError("dataset is missing; name the data set to train on", field="dataset")
    dataset_path(data_dir, dataset)
    return {
        "name": spec.name or f"{architecture}, {spec.recipe}",
        "task": spec.task,
        "dataset": dataset,
        "recipe": spec.recipe,
        "overrides": spec.overrides,
        "seed": spec.seed,
        "resources": spec.resources.model_dump(),
    }


def _start(start: Start) -> dict[str, Any]:
    return {"start": start.kind, "start_model": start.model}


def _architecture(
    task: Task, given: str | list[int] | dict[str, Any] | None
) -> tuple[Model | Architecture, dict[str, Any] | None]:
    """What is trained, and its block specification unless it is a model of the catalogue. Reads no file."""
    if isinstance(given, str):
        model = catalogue_model(task, given) or catalogue_model("detection", given)
        if model is None or (model.task != task and model.architecture is None):
            raise InvalidValueError(
                f"architecture is {given!r}; for {task} it must be one of {model_names(task)}, or 18 widths, or a "
                "block specification",
                field="architecture",
                value=given,
            )
        if model.task == task:
            return model, None
        assert model.architecture is not None
        return model.architecture, block_specification(BlockSpecification(model.architecture, {}))
    if isinstance(given, list):
        architecture = Architecture(tuple(given))
        return architecture, block_specification(BlockSpecification(architecture, {}))
    if given is None:
        raise InvalidValueError(
            "architecture is missing; give a model, 18 widths or a block specification, or a campaign_id",
            field="architecture",
        )
    try:
        found = read_block_specification(given)
    except InvalidValueError as error:
        raise InvalidValueError(f"architecture: {error}", field="architecture") from error
    if found.weights is not None:
        raise InvalidValueError(
            "the block specification is of a model directory, whose weights stay behind; leave out its `weights`",
            field="architecture",
        )
    return found.architecture, given


def model_name(name: str) -> str:
    """The name of a training as a part of a file name."""
    return file_stem(name)
