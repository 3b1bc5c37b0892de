"""`effspine export`: an architecture as a file, without a campaign and without the service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.cli.campaign.files import write_file
from api.cli.output import note, print_json, print_text
from exporters import EXPORTERS, Export
from search_space.detector_model import CONFIG_FILE, DetectorModel, load_detector
from search_space.errors import InvalidValueError
from search_space.named_architecture import named_architecture
from search_space.published import SP_EFFICIENTNET_B0

app = typer.Typer(add_completion=False)

FORMATS = "\n\n".join(f"{each.name}: {each.purpose}" for each in EXPORTERS.values())
HELP = f"""Write an architecture to a file, with the weights of a model directory or with initial ones.

Formats:

{FORMATS}
"""


@app.command(help=HELP, short_help="Write an architecture or a detector to a file of another framework.")
def export(
    architecture: Annotated[
        str,
        typer.Argument(help="A published model, 18 widths, a block specification (FILE.json) or a model directory."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Directory of the file; it is created if it does not exist.")],
    format: Annotated[str, typer.Option("--format", help="Format of the file.")] = "spec",
    dataset: Annotated[
        Path | None, typer.Option(metavar="DIR", help="COCO directory, of which some formats take example images.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Writes one file."""
    if format not in EXPORTERS:
        raise InvalidValueError(f"format is {format!r}; it must be one of {', '.join(EXPORTERS)}", field="format")
    exporter = EXPORTERS[format]
    specification, detector = named_architecture(architecture), _detector(Path(architecture).expanduser())
    exported = Export(
        specification,
        detector,
        baseline=replace(SP_EFFICIENTNET_B0, input_px=specification.architecture.input_px),
        dataset=dataset,
    )
    if detector is None and exporter.place == "worker":
        note("the weights are initial ones of seed 0; nothing was trained")
    content = exporter.content(exported)
    name = specification.architecture.name.lower().replace(" ", "-").replace("/", "-")
    path = write_file(out, f"{name}-{format}{exporter.suffix}", content)
    if as_json:
        print_json({"path": str(path), "bytes": len(content), "origin": None if detector is None else detector.origin})
        return
    print_text(str(path))


def _detector(path: Path) -> DetectorModel | None:
    """The detector in a model directory, or of its configuration file; None for any other architecture."""
    if path.is_dir():
        return load_detector(path)
    return load_detector(path.parent) if path.is_file() and path.name == CONFIG_FILE else None
