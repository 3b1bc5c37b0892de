"""Detection as a task of `effspine train`: from options to a training that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy_trainer.native_output import suppress_native_output
from proxy_trainer.training.course import Course
from proxy_trainer.training.detection_data import DetectionSplits
from proxy_trainer.training.start_weights import StartWeights, shared_profile, start_model, weights_of_model
from proxy_trainer.training.training_options import Training, TrainOptions
from search_space.named_architecture import named_architecture
from search_space.recipes import Recipe, resolve_recipe
from search_space.source_commit import source_commit

if TYPE_CHECKING:
    from proxy_trainer.data.data_identity import DataIdentity
    from search_space.architecture import Architecture


def detection_training(options: TrainOptions) -> Training:
    """The training of a scale-permuted detector.

    Raises InvalidValueError or DataError for what cannot be trained; before TensorFlow is imported, where possible.
    """
    recipe = resolve_recipe(options.recipe, options.overrides)
    specification = named_architecture(options.architecture)
    model = start_model(options.start)
    profile = shared_profile(options.start, options.profile, options.data)
    splits = DetectionSplits.load(options.data, recipe.task)
    with suppress_native_output():
        from proxy_trainer.engine import runtime
        from proxy_trainer.training.checkpoint import trial_identity
        from proxy_trainer.training.detection_trainee import DetectionTrainee, software, versions
        from proxy_trainer.training.shared_start import shared_weights

        runtime.start(options.threads)
    candidate = specification.architecture
    network, recipe = recipe.network(
        candidate,
        len(splits.train.category_ids),
        specification.anchor_size,
        as_it_stands=specification.weights is not None,
    )
    images = splits.decoded(network.input_px, options.cache_dir, options.threads)
    task, data = recipe.task_for(len(images.train)), splits.identity(images)
    start = StartWeights(None, {"kind": "fresh"})
    if model is not None:
        start = weights_of_model(model, network, splits.train.category_names, options.seed)
    elif profile is not None:
        start = shared_weights(profile, candidate, network, data.train, options.cache_dir, options.seed)
    course = _course(recipe, len(images.train), options)
    training = {**recipe.to_dict(), "task": "detection", "seed": options.seed, "start": start.origin} | {
        "steps": task.steps,
        "warmup_steps": task.warmup_steps,
        "images": len(images.train),
    }
    provenance = _provenance(specification.provenance, options, data, software())
    trainee = DetectionTrainee(
        network, task, splits, images, options.seed, start, provenance=provenance, training=training
    )
    identity = trial_identity(network, task, options.seed, data.sha256, start=start.origin.get("sha256"))
    return Training(
        trainee,
        course,
        {**identity, "decays": recipe.decays(len(images.train)), "recalibration_images": task.recalibration_images},
        _description(network, training, provenance, splits, versions()),
        task,
        () if start.note is None else (start.note,),
    )


def _course(recipe: Recipe, images: int, options: TrainOptions) -> Course:
    epochs = recipe.evaluate_epochs if options.evaluate_epochs is None else options.evaluate_epochs
    of_epochs = recipe.steps(epochs, images)
    steps = recipe.steps(recipe.epochs, images)
    return Course(
        steps=steps,
        steps_per_epoch=images / recipe.task.batch_size,
        learning_rate_at=lambda step: recipe.learning_rate_at(step, images),
        evaluate_steps=of_epochs if options.evaluate_steps is None else options.evaluate_steps,
    )


def _provenance(
    earlier: Mapping[str, Any], options: TrainOptions, data: DataIdentity, versions: Mapping[str, str]
) -> dict[str, Any]:
    """Where the architecture comes from, with the data that the weights and figures are of."""
    return {**earlier, "dataset": options.data.resolve().name, "data": data.to_dict(), "versions": dict(versions)}


def _description(
    network: Architecture,
    training: Mapping[str, Any],
    provenance: Mapping[str, Any],
    splits: DetectionSplits,
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """What `run.json` says about a training."""
    held_out = splits.held_out.annotations_file != splits.train.annotations_file
    return {
        "name": network.name,
        "widths": list(network.widths),
        "input_px": network.input_px,
        "training": dict(training),
        "data": provenance["data"],
        "held_out": "the validation split" if held_out else "reserved images of the training split",
        "versions": dict(versions),
        "commit": source_commit(),
    }
