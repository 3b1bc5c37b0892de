"""`effspine bench throughput`: the PyTorch export beside torchvision's RetinaNet-ResNet50-FPN, in images per second.

effspine bench throughput Eff-SpineNet-D0                                   on CUDA if there is one
effspine bench throughput best/ --python ~/torch/bin/python --px 128 --batch 2 --no-compile
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from search_space.errors import EffspineError, InvalidValueError
from search_space.terminal import print_json, print_text

app = typer.Typer(add_completion=False)

SCRIPT = Path(__file__).with_name("throughput_script.py")


@app.command()
def throughput(
    model: Annotated[
        str, typer.Argument(help="A published model, a block specification, or the folder of a PyTorch export.")
    ],
    device: Annotated[str | None, typer.Option(help="Default: cuda if there is one, else cpu.")] = None,
    px: Annotated[
        int | None, typer.Option(min=32, help="Side of the images; default: the input size, 128 on cpu.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images of a batch; default: 16, 2 on cpu.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds after the warm-up; default: 30, 5 on cpu.")] = None,
    compile_: Annotated[bool, typer.Option("--compile/--no-compile", help="Use torch.compile.")] = True,
    python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Python that has torch and torchvision; default: this one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure training and inference in bfloat16, channels last, compiled, beside torchvision's RetinaNet."""
    values = {"--device": device, "--px": px, "--batch": batch, "--rounds": rounds}
    options = [text for name, value in values.items() if value is not None for text in (name, str(value))]
    options += [] if compile_ else ["--no-compile"]
    with TemporaryDirectory() as temporary:
        found = _run(python or Path(sys.executable), _folder(model, Path(temporary)), options)
    if as_json:
        print_json(found)
        return
    _print(found)


def _folder(model: str, empty: Path) -> Path:
    """The folder of an export: the one that is named, or one of initial weights in the directory `empty`."""
    from exporters.export import Export
    from exporters.registry import EXPORTERS
    from search_space.named_architecture import named_architecture

    folder = Path(model).expanduser()
    if (folder / "retinanet.py").is_file():
        return folder
    EXPORTERS["pytorch"].write(Export(named_architecture(model)), empty)
    return empty


def _run(python: Path, folder: Path, options: list[str]) -> dict[str, Any]:
    """What the script prints. Raises InvalidValueError where `python` cannot run it, EffspineError where it fails."""
    try:
        completed = subprocess.run(
            [python, SCRIPT, folder, *options],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    except OSError as error:
        raise InvalidValueError(f"{python} cannot be run: {error.strerror}", field="python") from error
    if completed.returncode != 0:
        raise EffspineError(f"the measurement ended with status {completed.returncode}; its last words are above")
    found: dict[str, Any] = json.loads(completed.stdout)
    if missing := found.get("missing"):
        raise InvalidValueError(
            f"{python} has no {' and no '.join(missing)}; run `pip install torch torchvision safetensors numpy` there, "
            "or name another Python with --python",
            field="python",
        )
    return found


def _print(found: dict[str, Any]) -> None:
    facts = {
        "model": f"{found['model']}, {found['parameters']:,} parameters",
        "reference": f"{found['reference']}, {found['reference_parameters']:,} parameters",
        "inference": _speeds(found["inference"]),
        "training": _speeds(found["training"]),
        "work": f"{found['batch']} images of {found['px']} px, {found['rounds']} rounds, bfloat16, channels last, "
        + ("compiled" if found["is_compiled"] else "not compiled"),
        "device": f"{found['device']}: {found['device_name']}",
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
    }
    for name, value in facts.items():
        print_text(f"{name:<11}{value}")
    if found["device"] != "cuda":
        print_text("measured without a GPU: this shows that it runs, and says nothing of a GPU")


def _speeds(phase: dict[str, float]) -> str:
    ours, reference = phase["images_per_second"], phase["reference_images_per_second"]
    return f"{ours:.1f} images/s, {reference:.1f} of torchvision's: ratio {phase['ratio']:.2f}"
