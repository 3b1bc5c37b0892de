"""The experiments, by which `--experiment` finds them; the files in `experiments/` have all their values."""

from __future__ import annotations

from official.core import config_definitions as cfg
from official.core import exp_factory
from official.vision.configs import decoders, image_classification, maskrcnn, retinanet, semantic_segmentation

from eff_spinenet import configs

_RESTRICTIONS = ["task.train_data.is_training != None", "task.validation_data.is_training != None"]


def _backbone() -> configs.Backbone:
    return configs.Backbone(type="eff_spinenet", eff_spinenet=configs.EffSpineNet())


def _without_decoder() -> decoders.Decoder:
    """The backbone is a pyramid by itself."""
    return decoders.Decoder(type="identity", identity=decoders.Identity())


def _experiment(task: cfg.TaskConfig) -> cfg.ExperimentConfig:
    return cfg.ExperimentConfig(task=task, trainer=cfg.TrainerConfig(), restrictions=_RESTRICTIONS)


@exp_factory.register_config_factory("eff_spinenet_retinanet")
def eff_spinenet_retinanet() -> cfg.ExperimentConfig:
    """Detection with RetinaNet."""
    model = retinanet.RetinaNet(backbone=_backbone(), decoder=_without_decoder())
    return _experiment(retinanet.RetinaNetTask(model=model))


@exp_factory.register_config_factory("eff_spinenet_maskrcnn")
def eff_spinenet_maskrcnn() -> cfg.ExperimentConfig:
    """Instance segmentation with Mask R-CNN."""
    model = maskrcnn.MaskRCNN(backbone=_backbone(), decoder=_without_decoder())
    return _experiment(maskrcnn.MaskRCNNTask(model=model))


@exp_factory.register_config_factory("eff_spinenet_classification")
def eff_spinenet_classification() -> cfg.ExperimentConfig:
    """Image classification on the averaged pyramid."""
    model = image_classification.ImageClassificationModel(backbone=_backbone())
    return _experiment(image_classification.ImageClassificationTask(model=model))


@exp_factory.register_config_factory("eff_spinenet_segmentation")
def eff_spinenet_segmentation() -> cfg.ExperimentConfig:
    """Semantic segmentation on the averaged pyramid."""
    model = semantic_segmentation.SemanticSegmentationModel(backbone=_backbone(), decoder=_without_decoder())
    return _experiment(semantic_segmentation.SemanticSegmentationTask(model=model))
