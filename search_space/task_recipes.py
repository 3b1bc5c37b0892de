"""Recipes of the paper's tasks as data: the published ones, each with a small variant for a laptop.

effspine train "Eff-SpineNet-D0 classifier" --task classification --recipe paper ...              Table 10: top-1 0.753
effspine train "Eff-SpineNet-D0 segmentation" --task semantic-segmentation --recipe paper ...      Table 11: mIoU 0.760
effspine train "Eff-SpineNet-D0 Mask R-CNN" --task instance-segmentation --recipe paper ...        Table 6: AP 0.350

Those of detection are in `search_space.recipes`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from search_space.architecture import Architecture
from search_space.catalogue import CLASSIFIER_PX, CLASSIFIER_WIDTH, SEGMENTATION_PX, Model, Task, dense_width_of
from search_space.detector import PROPOSAL_ANCHOR_SIZE
from search_space.errors import InvalidValueError, UnknownFieldError
from search_space.networks.mask_rcnn import Regions
from search_space.proxy_task import FIELDS, ProxyTask, resolve
from search_space.proxy_task_fields import check_value, number, settable, switch
from search_space.recipes import ALL_IMAGES, MIN_STEPS_PER_WARMUP_STEP, UNUSED_FIELDS, Recipe, steps_of
from search_space.suggestions import unknown_field
from search_space.task_network import published_scale

COCO_TRAIN_IMAGES, IMAGENET_TRAIN_IMAGES = 118_287, 1_281_167
"""The training images of COCO 2017 and of ImageNet (ILSVRC 2012)."""

LARGER_DROPOUT = {"Eff-SpineNet-D2 classifier": 0.3, "EfficientNet-B2": 0.3}
"""EfficientNet's dropout grows with its scale: 0.2 for B0 and B1, and 0.3 for B2."""


@dataclass(frozen=True)
class TaskRecipe:
    """How a network is trained for a task: the fields of a proxy task, and those of the other tasks alone.

    `source` is where the recipe is published. The steps of `training` are those on the data set of the publication,
    where `epochs` is set.
    """

    name: str
    task: Task
    source: str
    training: ProxyTask
    epochs: int = number(0, 0, 100_000, "passes over the training images, which give the steps; 0 takes `steps`")
    label_smoothing: float = number(0.0, 0.0, 0.9, "probability that classification spreads over all classes")
    dropout: float = number(0.0, 0.0, 0.9, "share of the pooled features that classification drops in training")
    smallest_crop: float = number(1.0, 0.01, 1.0, "smallest share of a picture's area in a crop for classification")
    auto_augment: bool = switch(False, "distort pictures for classification by the policy of AutoAugment")
    crop_padding_px: int = number(
        0, 0, 512, "border that the central crop for classification leaves out, at input size"
    )
    proposals: int = number(1000, 1, 4000, "proposals of an image in Mask R-CNN")
    detections: int = number(100, 1, 1000, "detections of an image in Mask R-CNN")
    sampled_anchors: int = number(256, 2, 4096, "anchors of an image that the region proposal network learns from")
    sampled_regions: int = number(512, 4, 4096, "regions of an image that the box head learns from")

    def on(self, images: int) -> TaskRecipe:
        """The recipe for so many training images: with `epochs`, its steps, and warm-up for a tenth of them at most."""
        if not self.epochs:
            return self
        steps = steps_of(self.epochs, images, self.training.batch_size)
        warmup = min(self.training.warmup_steps, steps // MIN_STEPS_PER_WARMUP_STEP)
        return replace(self, training=replace(self.training, steps=steps, warmup_steps=warmup))

    def regions(self, model: Model | Architecture) -> Regions:
        """The regions of Mask R-CNN with this model's box head."""
        dense_width = model.dense_width if isinstance(model, Model) else dense_width_of(model)
        base = Regions() if dense_width is None else Regions(dense_width)
        return replace(base, proposals=self.proposals, detections=self.detections)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


TASK_FIELDS = settable(fields(TaskRecipe))
"""The fields beside those of a proxy task, by name."""

_OF_ONE_TASK: dict[Task, tuple[str, ...]] = {
    "classification": ("label_smoothing", "dropout", "smallest_crop", "auto_augment", "crop_padding_px"),
    "instance-segmentation": ("proposals", "detections", "sampled_anchors", "sampled_regions"),
}

_OF_OBJECTS = ("anchor_size", "reserved_images", "reserve_from")

_UNREAD: dict[Task, tuple[str, ...]] = {
    "classification": (*_OF_OBJECTS, "scale_min", "scale_max"),
    "semantic-segmentation": _OF_OBJECTS,
}
"""Fields of a proxy task that a task does not read."""

_UNSUPPORTED = ("micro_batch_size", "recalibration_images", "precision", "jit_compile")
"""Fields of a proxy task that no training of a network of fixed widths reads."""

_PAPER_EPOCHS, _CLASSIFICATION_EPOCHS, _CLASSIFICATION_BATCH = 650, 350, 4096

_PAPER = ProxyTask(
    steps=steps_of(_PAPER_EPOCHS, COCO_TRAIN_IMAGES, 256),
    warmup_steps=500,
    reference_batch_size=256,
    reserved_images=ALL_IMAGES,
    reserve_from="val",
)

_LAPTOP = ProxyTask(
    profile="laptop",
    image_px=96,
    width_multiplier=0.25,
    width_divisor=1,
    subnet_width=16,
    subnet_layers=3,
    anchor_size=2.0,
    batch_size=8,
    steps=2000,
    learning_rate=0.03,
    warmup_steps=100,
    schedule="cosine",
    optimizer="adamw",
    clip_norm=10.0,
    bn_momentum=0.9,
    ema_decay=0.99,
    stochastic_depth=0.0,
    scale_min=0.8,
    scale_max=1.25,
    reserved_images=500,
    reserve_from="val",
)

_CLASSIFICATION = ProxyTask(
    image_px=CLASSIFIER_PX,
    subnet_width=CLASSIFIER_WIDTH,
    batch_size=_CLASSIFICATION_BATCH,
    steps=steps_of(_CLASSIFICATION_EPOCHS, IMAGENET_TRAIN_IMAGES, _CLASSIFICATION_BATCH),
    learning_rate=0.256,
    reference_batch_size=_CLASSIFICATION_BATCH,
    warmup_steps=1564,
    schedule="exponential",
    optimizer="rmsprop",
    second_moment_decay=0.9,
    weight_decay=1e-5,
    ema_decay=0.9999,
    stochastic_depth=0.2,
)

_SEGMENTATION = replace(
    _PAPER, steps=10_000, learning_rate=0.05, warmup_steps=500, schedule="cosine", image_px=SEGMENTATION_PX
)

RECIPES: dict[Task, dict[str, TaskRecipe]] = {
    "instance-segmentation": {
        "paper": TaskRecipe(
            "paper",
            "instance-segmentation",
            "sections 4.1 and 5.1.1, Table 6",
            replace(_PAPER, anchor_size=PROPOSAL_ANCHOR_SIZE),
            epochs=_PAPER_EPOCHS,
        ),
        "laptop": TaskRecipe(
            "laptop",
            "instance-segmentation",
            "",
            replace(_LAPTOP, subnet_layers=1),
            proposals=100,
            detections=30,
            sampled_anchors=64,
            sampled_regions=32,
        ),
    },
    "classification": {
        "paper": TaskRecipe(
            "paper",
            "classification",
            "section 5.2, Table 10: the training of EfficientNet (Tan and Le, ICML 2019, section 5.2)",
            _CLASSIFICATION,
            epochs=_CLASSIFICATION_EPOCHS,
            label_smoothing=0.1,
            dropout=0.2,
            smallest_crop=0.08,
            auto_augment=True,
            crop_padding_px=32,
        ),
        "laptop": TaskRecipe(
            "laptop",
            "classification",
            "",
            replace(_LAPTOP, image_px=64, subnet_width=64, batch_size=32, steps=1000, flip=False),
            label_smoothing=0.1,
            smallest_crop=0.6,
        ),
    },
    "semantic-segmentation": {
        "paper": TaskRecipe("paper", "semantic-segmentation", "section 5.3, Table 11", _SEGMENTATION),
        "laptop": TaskRecipe("laptop", "semantic-segmentation", "", replace(_LAPTOP, subnet_width=32, steps=1000)),
    },
}


def settable_fields(task: Task) -> tuple[str, ...]:
    """The names of the fields of a recipe that a training of the task reads."""
    others = {name for other, names in _OF_ONE_TASK.items() if other != task for name in names}
    unused = {*UNUSED_FIELDS, *_UNSUPPORTED, *_UNREAD.get(task, ())} - {"steps"}
    return tuple(name for name in (*TASK_FIELDS, *FIELDS) if name not in others | unused)


def task_recipe(task: Task, name: str, model: Model | Architecture, /, **overrides: Any) -> TaskRecipe:
    """The named recipe of a task for a model, with some fields replaced.

    Published recipes have the model's own image size, widths and subnets; the others scale it down. A number of
    `steps` takes the place of `epochs`; warm-up is at most a tenth of them unless it is set too. A field that the task
    does not read may have its value in the recipe, as in requests of earlier versions. Raises InvalidValueError, with
    the field, for an unknown task, recipe or field, or a value out of its range.
    """
    if task not in RECIPES:
        raise InvalidValueError(f"task is {task!r}; it must be one of {', '.join(RECIPES)}", field="task")
    if name not in RECIPES[task]:
        known = ", ".join(RECIPES[task])
        raise InvalidValueError(f"recipe is {name!r}; for {task} it must be one of {known}", field="recipe")
    recipe, known_fields = RECIPES[task][name], settable_fields(task)
    for field, value in overrides.items():
        if field not in known_fields and not (field in FIELDS and value == getattr(recipe.training, field)):
            raise UnknownFieldError(unknown_field(field, list(known_fields), f"a recipe for {task}"), field=field)
    if recipe.source and model.name in LARGER_DROPOUT:
        recipe = replace(recipe, dropout=LARGER_DROPOUT[model.name])
    training = published_scale(model, recipe.training) if recipe.source else recipe.training
    if "steps" in overrides:
        overrides = {"epochs": 0, **overrides}
    own = {field: value for field, value in overrides.items() if field in TASK_FIELDS}
    for field, value in own.items():
        check_value(TASK_FIELDS[field], value)
    others = {field: value for field, value in overrides.items() if field not in own}
    if isinstance(steps := others.get("steps"), int) and "warmup_steps" not in others:
        others["warmup_steps"] = min(training.warmup_steps, steps // MIN_STEPS_PER_WARMUP_STEP)
    fixed = {field: getattr(training, field) for field in FIELDS}
    training = replace(resolve("paper", **{**fixed, **others}), profile=training.profile)
    return replace(recipe, training=training, **own)


def baseline_recipe(recipe: Recipe, model: Model, images: int) -> TaskRecipe:
    """A recipe of detection for one of the networks that the paper compares with, on so many training images.

    Its batch-norm statistics are averaged like its weights, instead of the recalibration. Raises InvalidValueError,
    with the field, for a recipe that replaces operations of scale-permuted networks or sets a field that is not read.
    """
    if recipe.operations:
        raise InvalidValueError(
            f"the recipe {recipe.name} replaces operations of scale-permuted networks; {model.name} is none",
            field="recipe",
        )
    for name in sorted(recipe.overridden.intersection(_UNSUPPORTED)):
        value, default = getattr(recipe.task, name), FIELDS[name].default
        if value != default:
            raise InvalidValueError(
                f"{name} is {value!r}; the training of {model.name} supports {default!r} only", field=name
            )
    training = replace(recipe.task_for(images), recalibration_images=0)
    if not recipe.fixed:
        chosen = {name: getattr(recipe.task, name) for name in recipe.overridden}
        training = replace(published_scale(model, training), **chosen)
    return TaskRecipe(recipe.name, "detection", recipe.source, training)
