"""The weights that a training of the service starts from: fresh ones, a trial's, or those of another training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nas_controller.exports.exported_trial import ExportedTrial
from nas_controller.exports.weights import chosen, weights_of
from nas_controller.states import TRIAL_STARTS, TrainingStart
from nas_controller.store import ConflictError, Store
from nas_controller.trainings.files import run_directory
from nas_controller.trainings.spec import TrainingSpec
from search_space.architecture import Architecture
from search_space.catalogue import Model, Task, architecture_for
from search_space.cost import parameters
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.detector_model import CLASS_PREDICTION, CONFIG_FILE
from search_space.document import read_block_specification
from search_space.errors import InvalidValueError
from search_space.parameters import Parameter
from search_space.recipes import resolve_recipe
from search_space.run_files import BEST
from search_space.task_model import FORMAT
from search_space.task_network import read_task_network, task_network
from search_space.task_recipes import baseline_recipe, task_recipe

BODY = ("stem/", "block", "stage")
"""The tensors of a backbone, which the networks of all tasks have; pyramids and heads differ from task to task."""


class Start(NamedTuple):
    """The kind of start weights. `model` names the model directory of the finals, or the training."""

    kind: TrainingStart
    model: str | None = None


def start_of(
    store: Store,
    data_dir: Path,
    spec: TrainingSpec,
    task: Task,
    trained: Model | Architecture,
    exported: ExportedTrial | None,
) -> Start:
    """The start weights that a client asks for, for `trained`, which is the architecture of `exported` if given.

    Raises NotFoundError for an unknown training, ConflictError for weights that the trial does not have and for a
    training that has not completed, and InvalidValueError for a start of another kind or of another network.
    """
    if spec.start == "fresh":
        return Start("fresh")
    if spec.start.startswith("t_"):
        _check_training(store, data_dir, spec, task, trained)
        return Start("training", spec.start)
    for kind in TRIAL_STARTS:
        if kind == spec.start:
            if exported is None:
                raise _refusal(spec, "the weights of a trial; name its campaign in campaign_id, or start fresh")
            if task != "detection":
                raise _refusal(spec, f"weights of a detector; a training for {task} starts fresh or from a training")
            return Start(kind, chosen(weights_of(store, data_dir, exported), kind, exported).model)
    raise _refusal(spec, f"but must be fresh, {', '.join(TRIAL_STARTS)} or the id of a training, t_...")


def _check_training(
    store: Store, data_dir: Path, spec: TrainingSpec, task: Task, trained: Model | Architecture
) -> None:
    earlier = store.reads.get_training(spec.start)
    if earlier.state != "completed":
        raise ConflictError(
            f"training '{earlier.id}' is {earlier.state}; start from one that is completed", field="start"
        )
    try:
        config = json.loads((run_directory(data_dir, earlier.id) / BEST / CONFIG_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConflictError(f"the files of training '{earlier.id}' are gone", field="start") from error
    is_scale_permuted = not isinstance(trained, Model) or trained.architecture is not None
    of_whole_network = task == "detection" and is_scale_permuted
    if of_whole_network and config.get("format") == FORMAT:
        raise _refusal(spec, f"a training for {earlier.task}; a scale-permuted detector starts from one of its kind")
    shapes = _shapes(config)
    for tensor in _network(spec, task, trained):
        shape = shapes.get(tensor.name)
        is_needed = not tensor.name.startswith(CLASS_PREDICTION) if of_whole_network else tensor.name.startswith(BODY)
        if is_needed and shape != tensor.shape:
            raise _refusal(
                spec,
                f"a training of another network: its {tensor.name} "
                f"{'is missing' if shape is None else f'has shape {shape}'}, and the network to train has "
                f"{tensor.shape}; start from one of the same widths and operations",
            )


def _network(spec: TrainingSpec, task: Task, trained: Model | Architecture) -> Iterable[Parameter]:
    """The parameters of the network to train, for one class."""
    if task == "detection":
        recipe = resolve_recipe(spec.recipe, spec.overrides)
        architecture = trained if isinstance(trained, Architecture) else trained.architecture
        if architecture is not None:
            return parameters(recipe.network(architecture, 1, PAPER_ANCHOR_SIZE)[0])
        assert isinstance(trained, Model)
        of_baseline = baseline_recipe(recipe, trained, images=recipe.task.batch_size)
        return task_network(trained, task, of_baseline.training, 1).parameters()
    network = architecture_for(task, trained) if isinstance(trained, Architecture) else trained
    of_task = task_recipe(task, spec.recipe, network, **spec.overrides)
    regions = of_task.regions(network) if task == "instance-segmentation" else None
    return task_network(network, task, of_task.training, 1, regions).parameters()


def _shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a model directory with this configuration, by name."""
    if config.get("format") == FORMAT:
        network = read_task_network(config["network"]).parameters()
    else:
        network = parameters(read_block_specification(config).architecture)
    return {parameter.name: parameter.shape for parameter in network}


def _refusal(spec: TrainingSpec, reason: str) -> InvalidValueError:
    return InvalidValueError(f"start is '{spec.start}', {reason}", field="start", value=spec.start)
