"""Measures images per second of an export of format `pytorch` beside those of torchvision's RetinaNet-ResNet50-FPN.

    python throughput_script.py FOLDER [--device cuda] [--px PX] [--batch N] [--rounds N] [--no-compile]

Both run in this process, in turn, in bfloat16 (automatic mixed precision) and channels last, their networks compiled by
`torch.compile`. Inference is from a batch of images of noise to detections, training a whole step: forward, losses,
backward, SGD. Each is called as its users call it, so torchvision's includes its own normalisation and resizing. The
weights of both are initial ones or random, so suppression has little to do.

Prints a JSON document: `inference` and `training` have the images per second of both from the median of the rounds,
and `ratio`, ours over torchvision's, the median of the ratios of neighbouring rounds. Without CUDA it runs on the
processors, small, to show that it runs. Needs torch, torchvision, safetensors and numpy; nothing of effspine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NEEDED = ("torch", "torchvision", "safetensors", "numpy")
REFERENCE = "torchvision retinanet_resnet50_fpn"
WARM_UP_ROUNDS = 3
BOXES = 8
"""Boxes of each image in training."""

Step = Callable[[], Any]


class Setting:
    """The device, the size of the work, and a batch of images with targets."""

    def __init__(self, options: argparse.Namespace, config: dict[str, Any]) -> None:
        import torch

        self.device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        is_gpu = self.device.type == "cuda"
        self.px = options.px or (config["input_px"] if is_gpu else 128)
        self.batch = options.batch or (16 if is_gpu else 2)
        self.rounds = options.rounds or (30 if is_gpu else 5)
        self.is_compiled = not options.no_compile
        self.classes = config["class_slots"]
        random = torch.Generator().manual_seed(0)
        images = torch.rand(self.batch, 3, self.px, self.px, generator=random)
        self.images = images.to(self.device, memory_format=torch.channels_last)
        corners = torch.rand(self.batch, BOXES, 2, generator=random) * self.px / 2
        sides = (0.1 + 0.4 * torch.rand(self.batch, BOXES, 2, generator=random)) * self.px
        self.boxes = torch.cat([corners, corners + sides], dim=-1).to(self.device)
        self.labels = torch.randint(0, self.classes, (self.batch, BOXES), generator=random).to(self.device)

    def seconds(self, step: Step) -> float:
        """The seconds of one step, with all that it has started on the device."""
        import torch

        started = time.perf_counter()
        step()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - started


def ours(folder: Path, setting: Setting) -> tuple[Any, Any, list[dict[str, Any]]]:
    """The exported detector, its images and its targets."""
    sys.path.insert(0, str(folder))
    from retinanet import load

    model = load(folder)
    if setting.is_compiled:
        model.network.compile()
    targets = [{"boxes": boxes, "labels": labels} for boxes, labels in zip(setting.boxes, setting.labels, strict=True)]
    return model, setting.images, targets


def theirs(setting: Setting) -> tuple[Any, Any, list[dict[str, Any]]]:
    """torchvision's detector with random weights, trained as a whole; its labels count from 1."""
    from torchvision.models.detection import retinanet_resnet50_fpn

    sizes = {"min_size": setting.px, "max_size": setting.px}
    model = retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=setting.classes + 1, **sizes)
    if setting.is_compiled:
        model.backbone.compile()
        model.head.compile()
    pairs = zip(setting.boxes, setting.labels, strict=True)
    return model, list(setting.images), [{"boxes": boxes, "labels": labels + 1} for boxes, labels in pairs]


def inference(model: Any, images: Any, setting: Setting) -> Step:
    """Detects on the batch."""
    import torch

    model.to(setting.device, memory_format=torch.channels_last).eval()

    def step() -> None:
        with torch.inference_mode(), torch.autocast(setting.device.type, torch.bfloat16):
            model(images)

    return step


def training(model: Any, images: Any, targets: list[dict[str, Any]], setting: Setting) -> Step:
    """Trains one step on the batch."""
    import torch

    model.to(setting.device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)

    def step() -> None:
        with torch.autocast(setting.device.type, torch.bfloat16):
            loss = sum(model(images, targets).values())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def compared(one: Step, other: Step, setting: Setting) -> dict[str, float]:
    """Images per second of both, and the ratio of the first to the second."""
    pairs = [(setting.seconds(one), setting.seconds(other)) for _ in range(WARM_UP_ROUNDS + setting.rounds)]
    pairs = pairs[WARM_UP_ROUNDS:]
    seconds, reference = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "images_per_second": round(setting.batch / seconds, 3),
        "reference_images_per_second": round(setting.batch / reference, 3),
        "ratio": round(statistics.median(theirs / ours for ours, theirs in pairs), 3),
    }


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The document."""
    import torch
    import torchvision

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    setting = Setting(options, config)
    results = {}
    for phase in ("inference", "training"):  # with new models each, so that each is compiled for one of them
        print(f"{phase} on {setting.device}, {setting.batch} images of {setting.px} px", file=sys.stderr, flush=True)
        torch.manual_seed(0)
        contenders = [ours(folder, setting), theirs(setting)]
        if phase == "inference":
            steps = [inference(model, images, setting) for model, images, _ in contenders]
        else:
            steps = [training(*contender, setting) for contender in contenders]
        results[phase] = compared(steps[0], steps[1], setting)
    sizes = [sum(p.numel() for p in model.parameters() if p.requires_grad) for model, _, _ in contenders]
    is_gpu = setting.device.type == "cuda"
    return {
        "model": config["name"],
        "reference": REFERENCE,
        "parameters": sizes[0],
        "reference_parameters": sizes[1],
        "device": setting.device.type,
        "device_name": torch.cuda.get_device_name(setting.device)
        if is_gpu
        else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "px": setting.px,
        "batch": setting.batch,
        "rounds": setting.rounds,
        "dtype": "bfloat16",
        "memory_format": "channels_last",
        "is_compiled": setting.is_compiled,
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__},
        **results,
    }


def main() -> None:
    """Reads the command line and prints the document, or what is missing."""
    parser = argparse.ArgumentParser(description="Measures the throughput of an export beside torchvision's RetinaNet.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--device", help="default: cuda if there is one, else cpu")
    parser.add_argument("--px", type=int, help="side of the images (default: the input size; 128 without CUDA)")
    parser.add_argument("--batch", type=int, help="images of a batch (default: 16; 2 without CUDA)")
    parser.add_argument("--rounds", type=int, help="rounds after the warm-up (default: 30; 5 without CUDA)")
    parser.add_argument("--no-compile", action="store_true", help="run without torch.compile")
    options = parser.parse_args()
    missing = [name for name in NEEDED if find_spec(name) is None]
    print(json.dumps({"missing": missing} if missing else measured(options.folder.resolve(), options), indent=2))


if __name__ == "__main__":
    main()
