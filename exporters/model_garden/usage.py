"""The sections of the README on the use of the exported package, and what it approximates."""

from __future__ import annotations

from search_space.document import BlockSpecification

EXPECTED = {
    "retinanet": "Section 5.1.1 of the paper, 650 epochs of COCO; boxes, Table 3.",
    "maskrcnn": "Section 5.1.1 of the paper, 650 epochs of COCO; masks, Table 6.",
    "classification": "Section 5.2 of the paper, 350 epochs of ImageNet, Table 10.",
    "segmentation": "Section 5.3 of the paper, 10,000 steps on Pascal VOC, from this detector's backbone, Table 11.",
}
"""What a training with the file is, by its name: the second line of the file."""

DROPPED = (
    "RetinaNet: the head is Model Garden's, with the layers and parameters of ours, and one more class, the "
    "background. The loss is ours. Weight decay does not reach the separable convolutions before its predictions.",
    "Mask R-CNN: its heads are Model Garden's, with the layers and widths of ours, but a bias in the fully connected "
    "layer. It predicts box codes times 10, 10, 5 and 5, with which our loss weighs them.",
    "Classification and segmentation: the averaged pyramid is ours (`averaged: true`), and so is the classifier, but "
    "for its initial values. Segmentation normalises and activates after each depthwise convolution too, and its "
    "convolutions have no bias. Classifiers have 256 channels and no space-to-depth, as published, so they start from "
    "initial values.",
    "Segmentation is evaluated at the network's size, to which the ground truth is resized; effspine resizes the "
    "predictions to the pictures, so the two mIoU differ.",
    "SGD: Model Garden multiplies by the learning rate before the momentum, we do after it, so after a decay the "
    "earlier rate fades over some ten steps. Warm-up differs by at most a 500th of the peak.",
    "Mask R-CNN trains on, and evaluation uses, at most 100 objects of an image; suppression sees the best 5,000 boxes "
    "of a class. Images are padded to multiples of 128 pixels.",
    "Batch normalisation is synchronised between devices, as published (`use_sync_bn`); effspine does not do that.",
    "AutoAugment, with which EfficientNet is trained, is left out of classification.",
)


def usage(specification: BlockSpecification) -> dict[str, str]:
    """The sections by title."""
    return {
        "Install": _INSTALL,
        "Data": _DATA,
        "Train": _TRAIN,
        "Start from these weights": _WEIGHTS,
        "Files": _FILES,
        "In your own code": _CODE.replace("PX", str(specification.architecture.input_px)),
    }


_INSTALL = """\
Nothing of effspine is needed to train. This was tested with Python 3.11:

    pip install -r requirements.txt

Run all commands in this folder."""

_DATA = """\
`effspine` writes the TFRecords that Model Garden reads, from a COCO directory, one directory per class, or the layout
of Pascal VOC:

    effspine data to-tfrecord COCO --out data                                # RetinaNet
    effspine data to-tfrecord COCO --out data --task instance-segmentation   # Mask R-CNN
    effspine data to-tfrecord DIR --out data --task classification
    effspine data to-tfrecord VOC --out data --task semantic-segmentation

`data/dataset.json` has the label of each class. Labels of detection are those of this detector plus one: 0 is the
background, which `num_classes` counts."""

_TRAIN = """\
    python -m eff_spinenet.train --experiment=eff_spinenet_retinanet --config_file=experiments/retinanet.yaml \\
        --mode=train_and_eval --model_dir=run

`eff_spinenet_maskrcnn`, `eff_spinenet_classification` and `eff_spinenet_segmentation` have a file each, too. The files
are the published trainings, for batches of 256 (classification: 4,096) on accelerators. On data of your own, give the
number of classes, the steps and their decays, and what fits into memory, in a second file, which overrides the first:

    python -m eff_spinenet.train --experiment=eff_spinenet_retinanet --config_file=experiments/retinanet.yaml \\
        --config_file=own.yaml --mode=train_and_eval --model_dir=run

with `own.yaml`, for example:

```yaml
task:
  model:
    num_classes: 4
    backbone: {eff_spinenet: {weights: model.safetensors}}
  train_data: {global_batch_size: 16}
trainer:
  train_steps: 10000
  steps_per_loop: 100
  validation_interval: 1000
  optimizer_config:
    learning_rate: {stepwise: {boundaries: [8000, 9500], values: [0.0175, 0.00175, 0.000175]}}
```

On GPUs add `runtime: {num_gpus: 8}`; `--help` and the documentation of tf-models-official have the rest."""

_WEIGHTS = """\
`task.model.backbone.eff_spinenet.weights` names the file that the backbone starts from, in every experiment whose
backbone has these operations and this width of its endpoints. The experiment of segmentation names it already.

The whole detector, with its head, as a checkpoint of Model Garden:

    python -m eff_spinenet.checkpoint --out=checkpoint

which RetinaNet starts from with
`--params_override=task.init_checkpoint=checkpoint/ckpt,task.init_checkpoint_modules=all`."""

_FILES = """\
| file | content |
| --- | --- |
| `eff_spinenet/` | the package: backbone, configuration, experiments, weights, launcher |
| `experiments/` | the experiments; blocks are those of `config.json` |
| `config.json` | the block specification: architecture, constants of the detector, classes, provenance |
| `model.safetensors` | the weights, with the names of effspine |
| `requirements.txt` | what to install |"""

_CODE = """\
Importing `eff_spinenet` registers the backbone with Model Garden's factory, so every program of Model Garden that
imports it can build it:

```python
import eff_spinenet
import tf_keras
import yaml
from official.core import exp_factory
from official.vision.modeling.backbones import factory

config = exp_factory.get_exp_config("eff_spinenet_retinanet")
config.override(yaml.safe_load(open("experiments/retinanet.yaml")))
config.task.model.backbone.eff_spinenet.weights = "model.safetensors"
specs = tf_keras.layers.InputSpec(shape=[None, PX, PX, 3])
backbone = factory.build_backbone(specs, config.task.model.backbone, config.task.model.norm_activation)
features = backbone(tf_keras.Input([PX, PX, 3]))  # P3 to P7 under the keys "3" to "7"
```"""
