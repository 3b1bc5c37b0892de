"""Fine-tunes this detector on a COCO folder, on one device.

    python train.py DATA --out DIR [--epochs 30] [--batch-size 16] [--optimizer adamw] [--lr 0.002]

DATA has annotations/instances_train*.json beside its images (`coco_folder.py`). DIR becomes a folder like this one with
the trained `model.safetensors`, `config.json` and `README.md`. Classes of equal names keep their predictions; others
start anew. An interrupted training goes on with the same options and --resume. Needs torch, safetensors, pillow and
numpy; with pycocotools installed, the AP on annotations/instances_val*.json is measured at the end.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import math
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from card import fine_tuned_card
from coco_folder import CocoFolder, TrainingViews
from cost import cost_of
from evaluate import coco_metrics
from retinanet import CONFIG_FILE, RetinaNet, load, save

CHECKPOINT, README = "checkpoint.pt", "README.md"
WITHOUT_EFFECT = ("data", "out", "model", "workers", "log_steps", "checkpoint_steps", "resume", "device")
"""Options that the weights do not depend on; what `data` and `model` name is compared by content."""


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.manual_seed(options.seed)
    folder = CocoFolder(options.data, "train")
    options.batch_size = min(options.batch_size, len(folder))
    model = with_classes(load(options.model, options.drop_rate), folder.classes, options.input_px, options.drop_rate)
    model.to(options.device).train()
    optimizer = optimizer_of(model, options)
    views = TrainingViews(folder, model, tuple(options.scale), not options.no_flip)
    steps = options.epochs * (len(folder) // options.batch_size)
    training = training_of(options, folder, model, steps)
    done = restore(options.out / CHECKPOINT, model, optimizer, training) if options.resume else 0
    print(f"{len(folder)} images, {len(folder.classes)} classes, {steps} steps on {options.device}", flush=True)
    started, recent = time.perf_counter(), []
    for step, (images, targets) in enumerate(batches(views, options, done), start=done + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, options)
        torch.manual_seed(options.seed + step)  # of stochastic depth
        losses = train_step(model, optimizer, images, targets, options)
        if not math.isfinite(losses["total"]):
            sys.exit(f"error: the loss of step {step} is {losses['total']}; use a smaller --lr")
        recent.append(losses)
        if step % options.log_steps == 0 or step == steps:
            report(step, steps, recent, optimizer.param_groups[0]["lr"], time.perf_counter() - started)
            recent = []
        if step % options.checkpoint_steps == 0 and step < steps:
            checkpoint(options.out / CHECKPOINT, model, optimizer, step, training)
    finish(model.eval(), options, steps)
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fine-tunes this detector on a COCO folder.")
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, required=True, help="directory of the trained detector")
    parser.add_argument("--model", type=Path, default=Path(__file__).parent, help="another directory to start from")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--optimizer", choices=("adamw", "sgd"), default="adamw")
    parser.add_argument("--lr", type=float, help="peak learning rate (default: 0.002 for adamw, 0.02 for sgd)")
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument("--weight-decay", type=float, default=4e-5, help="of kernels only")
    parser.add_argument("--clip-norm", type=float, default=10.0, help="largest norm of the gradient")
    parser.add_argument("--drop-rate", type=float, default=0.2, help="stochastic depth of the last block")
    parser.add_argument("--scale", type=float, nargs=2, default=(0.5, 1.5), metavar=("LOW", "HIGH"), help="jitter")
    parser.add_argument("--no-flip", action="store_true", help="mirror no images")
    parser.add_argument("--input-px", type=int, help="side of the input (default: that of the detector)")
    parser.add_argument("--bfloat16", action="store_true", help="run the network in bfloat16 where that is safe")
    parser.add_argument("--workers", type=int, default=2, help="processes that prepare images")
    parser.add_argument("--log-steps", type=int, default=20)
    parser.add_argument("--checkpoint-steps", type=int, default=500)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    options.lr = options.lr or {"adamw": 0.002, "sgd": 0.02}[options.optimizer]
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def with_classes(model: RetinaNet, classes: list[dict[str, Any]], input_px: int | None, drop_rate: float) -> RetinaNet:
    """The detector for other classes and another input size; predictions of classes with the same name are kept."""
    config = copy.deepcopy(model.config)
    config |= {"classes": classes, "class_slots": len(classes), "input_px": input_px or model.input_px}
    adapted = RetinaNet(config, drop_rate)
    state, known = model.network.state_dict(), [each["name"] for each in model.classes or []]
    pairs = [(new, known.index(each["name"])) for new, each in enumerate(classes) if each["name"] in known]
    for name, fresh in adapted.network.state_dict().items():
        if not name.startswith("class_subnet.predict.pointwise"):
            fresh.copy_(state[name])
        elif pairs:
            new, old = (torch.tensor(column) for column in zip(*pairs, strict=True))
            by_anchor = fresh.unflatten(0, (-1, len(classes)))
            by_anchor[:, new] = state[name].unflatten(0, (-1, model.config["class_slots"]))[:, old]
    return adapted


def optimizer_of(model: RetinaNet, options: argparse.Namespace) -> torch.optim.Optimizer:
    """The optimiser; weight decay applies to kernels, not to biases, normalisation and fusion weights."""
    kernels = [parameter for parameter in model.parameters() if parameter.ndim == 4]
    others = [parameter for parameter in model.parameters() if parameter.ndim != 4]
    groups = [{"params": kernels, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.lr, momentum=0.9)
    return torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.99))


def rate_at(step: int, steps: int, options: argparse.Namespace) -> float:
    """The learning rate of a step, from 1: linear warm-up, then cosine decay to zero."""
    warmup = min(options.warmup_steps, steps // 2)
    if step <= warmup:
        return options.lr * step / warmup
    return options.lr * 0.5 * (1 + math.cos(math.pi * (step - 1 - warmup) / (steps - warmup)))


def batches(
    views: TrainingViews, options: argparse.Namespace, first: int
) -> Iterator[tuple[Tensor, list[dict[str, Tensor]]]]:
    """The batches of the steps after `first`; each depends on the seed and its step alone, so a training can resume."""
    order = batch_order(len(views), options, first)
    return iter(
        torch.utils.data.DataLoader(views, batch_sampler=order, num_workers=options.workers, collate_fn=collate)
    )


def batch_order(images: int, options: argparse.Namespace, first: int) -> Iterator[list[tuple[int, str]]]:
    """The items of `TrainingViews` of each step after `first`; every epoch is shuffled when it begins."""
    size = options.batch_size
    per_epoch = images // size
    for epoch in range(first // per_epoch, options.epochs):
        shuffled = random.Random(f"{options.seed} {epoch}").sample(range(images), images)
        for batch in range(max(0, first - epoch * per_epoch), per_epoch):
            seed = f"{options.seed} {epoch * per_epoch + batch}"
            yield [(index, f"{seed} {index}") for index in shuffled[batch * size : (batch + 1) * size]]


def collate(items: list[tuple[Tensor, dict[str, Tensor]]]) -> tuple[Tensor, list[dict[str, Tensor]]]:
    return torch.stack([pixels for pixels, _ in items]), [target for _, target in items]


def train_step(
    model: RetinaNet,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    targets: list[dict[str, Tensor]],
    options: argparse.Namespace,
) -> dict[str, float]:
    """One step; the losses before it."""
    device = torch.device(options.device)
    with torch.autocast(device.type, torch.bfloat16, enabled=options.bfloat16):
        losses = model(images.to(device, non_blocking=True), targets)
    total = sum(losses.values())
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
    optimizer.step()
    return {"total": total.item(), **{name: loss.item() for name, loss in losses.items()}}


def report(step: int, steps: int, recent: list[dict[str, float]], rate: float, seconds: float) -> None:
    means = {name: sum(losses[name] for losses in recent) / len(recent) for name in recent[0]}
    text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    print(f"step {step}/{steps} {text} lr {rate:.2e} seconds {seconds:.0f}", flush=True)


def training_of(options: argparse.Namespace, folder: CocoFolder, model: RetinaNet, steps: int) -> dict[str, Any]:
    """Everything that the trained weights depend on, except for the device."""
    chosen = {name: value for name, value in vars(options).items() if name not in WITHOUT_EFFECT}
    return {
        **chosen,
        "scale": list(options.scale),
        "input_px": model.input_px,
        "steps": steps,
        "data": description_of(folder),
        "started_from": model.config["weights"]["sha256"],
    }


def checkpoint(
    path: Path, model: RetinaNet, optimizer: torch.optim.Optimizer, step: int, training: dict[str, Any]
) -> None:
    """Writes the state of the training; an interruption leaves the one before."""
    partial = path.with_suffix(".partial")
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "training": training}
    torch.save(state, partial)
    partial.replace(path)


def restore(path: Path, model: RetinaNet, optimizer: torch.optim.Optimizer, training: dict[str, Any]) -> int:
    """Loads the state of this training; the steps that it has done. Ends the program for the state of another one."""
    if not path.is_file():
        sys.exit(f"error: there is no {path} to resume from")
    state = torch.load(path, map_location="cpu", weights_only=True)
    earlier = state.get("training", {})
    for name, value in training.items():
        if earlier.get(name) != value:
            sys.exit(f"error: {path} is of another training: {name} was {earlier.get(name)}, and now is {value}")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def finish(model: RetinaNet, options: argparse.Namespace, steps: int) -> None:
    """Measures the detector where that is possible, and writes it with the modules of this folder."""
    figures = coco_metrics(model, options.data)
    settings = {
        name: value.resolve().name if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if name != "resume"
    }
    here, earlier = Path(__file__).parent, options.model / README
    splits = {name: found for name in ("train", "val") if (found := split_of(options.data, name)) is not None}
    card = earlier.read_text(encoding="utf-8") if earlier.is_file() else ""
    save(
        model,
        options.out,
        cost=cost_of(model.network, model.input_px),
        weights={**model.config["weights"], "origin": "trained", "seed": options.seed},
        training={
            "made_by": Path(__file__).name,
            "steps": steps,
            "options": settings,
            "data": splits,
            "started_from": model.config["weights"]["sha256"],
        },
        figures=figures,
        provenance={
            **model.config.get("provenance", {}),
            "dataset": options.data.resolve().name,
            "data": None,  # digests of what effspine reads; those of the files are in `training`
            "versions": {"torch": torch.__version__},
        },
    )
    config = json.loads((options.out / CONFIG_FILE).read_text(encoding="utf-8"))
    (options.out / README).write_text(fine_tuned_card(card, config), encoding="utf-8")
    for source in here.glob("*.py"):
        if options.out.resolve() != here.resolve():
            shutil.copy(source, options.out / source.name)
    (options.out / CHECKPOINT).unlink(missing_ok=True)
    print(f"wrote {options.out}", flush=True)


def split_of(data: Path, name: str) -> dict[str, Any] | None:
    """What identifies a split: the number of its images and boxes, and its annotation file. None without one."""
    if not list(data.glob(f"annotations/instances_{name}*.json")):
        return None
    return description_of(CocoFolder(data, name))


def description_of(folder: CocoFolder) -> dict[str, Any]:
    """What identifies the split of a folder."""
    return {
        "images": len(folder),
        "boxes": sum(map(len, folder.boxes.values())),
        "annotations": folder.annotations.name,
        "annotations_file_sha256": hashlib.sha256(folder.annotations.read_bytes()).hexdigest(),
    }


if __name__ == "__main__":
    sys.exit(main())
