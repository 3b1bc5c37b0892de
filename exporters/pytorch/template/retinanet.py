"""RetinaNet on Eff-SpineNet, which trains and infers; loading, saving, and the preparation of images.

    from retinanet import load

    model = load(".")
    pixels, scale = model.preprocess(Image.open("picture.jpg"))
    found = model(pixels[None])[0]              # its boxes, (x1, y1, x2, y2), over scale are in pixels of the picture
    losses = model.train()(images, targets)     # their sum is minimised

A label is an index into `model.classes`, from 0; there is no label for background.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from detection import anchors_of, decode, losses_of, suppress
from effspinenet import ACTIVATIONS, DROP_RATE, EffSpineNet, batch_norm, depthwise

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
PRIOR_BIAS = math.log(0.01 / 0.99)
"""The initial bias of class logits: a probability of 1 % per anchor, as focal loss requires."""
PIL_BILINEAR = 2
"""`PIL.Image.Resampling.BILINEAR`."""


class RetinaNet(nn.Module):
    """The detector of a block specification.

    Images are `[batch, 3, height, width]`, as `preprocess` makes them; heights and widths may differ and be odd. In
    training, `targets` has for each image `boxes` `[n, 4]` (x1, y1, x2, y2 in pixels of the input) and `labels` `[n]`,
    and the result is a dictionary of losses, whose sum is minimised. In inference it is a list with, for each image,
    `boxes`, `scores` and `labels`, best first. `network` has all parameters and makes the raw predictions.
    """

    def __init__(self, config: dict[str, Any], drop_rate: float = DROP_RATE) -> None:
        super().__init__()
        self.config = config
        self.input_px: int = config["input_px"]
        self.classes: list[dict[str, Any]] | None = config["classes"]
        self.network = Network(config, drop_rate)

    @property
    def backbone(self) -> EffSpineNet:
        """The backbone alone."""
        return self.network.backbone

    def preprocess(self, image: Any) -> tuple[Tensor, float]:
        """The input `[3, input_px, input_px]` of a PIL image, and the pixels of the input per pixel of the image.

        The long side is resized to `input_px`; the rest, at the bottom or on the right, is zero after normalisation.
        """
        scale = self.input_px / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.convert("RGB")
        if image.size != (width, height):
            image = image.resize((width, height), PIL_BILINEAR)
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(height, width, 3)
        padded = torch.zeros(3, self.input_px, self.input_px)
        padded[:, :height, :width] = self.normalise(pixels.permute(2, 0, 1))
        return padded, scale

    def normalise(self, pixels: Tensor) -> Tensor:
        """Red, green and blue values `[..., 3, height, width]`, 0 to 255, normalised as in training."""
        settings = self.config["detector"]["preprocessing"]
        mean, deviation = (torch.tensor(settings[name]).view(3, 1, 1) for name in ("mean", "deviation"))
        return (pixels.float() - mean) / deviation

    def forward(
        self, images: Tensor, targets: list[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        if self.training and targets is None:
            raise ValueError("in training, targets are needed; call eval() for detections")
        logits, codes = (each.float() for each in self.network(images))
        detector, size = self.config["detector"], (images.shape[-2], images.shape[-1])
        anchors = anchors_of(sorted(self.backbone.endpoints), size, detector).to(images.device)
        if targets is not None:
            return losses_of(logits, codes, anchors, targets, detector)
        boxes = decode(codes, anchors, size, detector)
        return [suppress(*each, detector["suppression"]) for each in zip(boxes, logits.sigmoid(), strict=True)]


class Network(nn.Module):
    """Images `[batch, 3, height, width]` to class logits `[batch, anchors, classes]` and codes `[batch, anchors, 4]`.

    Plain tensors in and out, for `torch.compile` and `torch.export`.
    """

    def __init__(self, config: dict[str, Any], drop_rate: float = DROP_RATE) -> None:
        super().__init__()
        anchors = config["detector"]["anchors"]
        per_location = len(anchors["octave_scales"]) * len(anchors["aspect_ratios"])
        self.backbone = EffSpineNet(config, drop_rate)
        self.class_subnet = Subnet(per_location, config["class_slots"], PRIOR_BIAS, config)
        self.box_subnet = Subnet(per_location, 4, 0.0, config)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = list(self.backbone(images).values())
        return self.class_subnet(features), self.box_subnet(features)


class Subnet(nn.Module):
    """Separable convolutions shared over the levels, with batch normalisation of each level's own, and a prediction."""

    def __init__(self, per_location: int, values: int, prior: float, config: dict[str, Any]) -> None:
        super().__init__()
        width, self.values = config["subnets"]["width"], values
        self.levels = sorted(b["level"] for b in config["blocks"] if b["endpoint"])
        self.activation = ACTIVATIONS[config["operations"]["activation"]]()
        self.layers = config["subnets"]["layers"]
        for number in range(1, self.layers + 1):
            layer = Separable(width, width)
            for level in self.levels:
                layer.add_module(f"bn{level}", batch_norm(width, config))
            self.add_module(f"layer{number}", layer)
        self.predict = Separable(width, per_location * values)
        nn.init.normal_(self.predict.pointwise.weight, std=0.01)
        nn.init.constant_(self.predict.pointwise.bias, prior)

    def forward(self, features: list[Tensor]) -> Tensor:
        outputs = []
        for level, x in zip(self.levels, features, strict=True):
            for number in range(1, self.layers + 1):
                layer = getattr(self, f"layer{number}")
                x = self.activation(getattr(layer, f"bn{level}")(layer(x)))
            outputs.append(self.predict(x).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, self.values)))
        return torch.cat(outputs, dim=1)


class Separable(nn.Module):
    """3x3 depthwise convolution, then 1x1 convolution with a bias."""

    def __init__(self, input_width: int, width: int) -> None:
        super().__init__()
        self.depthwise = depthwise(input_width, kernel=3)
        self.pointwise = nn.Conv2d(input_width, width, 1)
        nn.init.normal_(self.depthwise.weight, std=1 / 3)
        nn.init.normal_(self.pointwise.weight, std=math.sqrt(1 / input_width))
        nn.init.zeros_(self.pointwise.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


def load(directory: str | os.PathLike[str] = ".", drop_rate: float = DROP_RATE) -> RetinaNet:
    """The detector in a directory, ready for inference.

    Raises ValueError where the weights are not those that `config.json` describes, and ImportError without safetensors.
    """
    folder = Path(directory)
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    content = (folder / WEIGHTS_FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != config["weights"]["sha256"]:
        raise ValueError(f"{folder / WEIGHTS_FILE} is not the file that {CONFIG_FILE} describes: its SHA-256 differs")
    model = RetinaNet(config, drop_rate)
    model.network.load_state_dict(_safetensors().load(content))
    return model.eval()


def save(model: RetinaNet, directory: str | os.PathLike[str], **changes: Any) -> None:
    """Writes `model.safetensors` and `config.json`, whose sections `changes` replaces, as `load` reads them.

    Names and layout are those of the exported file. Raises ImportError without safetensors.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: values.detach().cpu().contiguous()
        for name, values in model.network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    content = _safetensors().save(tensors, {"format": "pt"})
    config = {**model.config, **changes}
    config["weights"] = {**config["weights"], "file": WEIGHTS_FILE, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / WEIGHTS_FILE).write_bytes(content)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError("reading and writing weights needs safetensors: pip install safetensors") from error
    return safetensors.torch
