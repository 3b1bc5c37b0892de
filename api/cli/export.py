"""`effspine export`: an architecture as files of other frameworks, without a campaign and without the service."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.files import write_file
from api.cli.campaign.options import HERE, OutDirectory
from api.cli.output import note, print_json, print_table, print_text
from exporters import EXPORTERS, Export, Exporter
from search_space.cost import cost_report
from search_space.detector_model import CONFIG_FILE, DetectorModel, load_detector
from search_space.errors import EffspineError, InvalidValueError
from search_space.file_names import file_stem
from search_space.named_architecture import named_architecture
from search_space.published import SP_EFFICIENTNET_B0

if TYPE_CHECKING:
    from exporters.benchmarks.export_figures import ExportFigures

app = typer.Typer(add_completion=False)

FORMATS = "\n\n".join(f"{each.name}: {each.purpose}" for each in EXPORTERS.values())
HELP = f"""Write an architecture to files, with the weights of a model directory or with initial ones.

For formats with weights, size and latency are printed: for one image, on this machine, in the format's own runtime.

Formats:

{FORMATS}
"""


@dataclass(frozen=True)
class Written:
    """An export that was written, and its figures."""

    exporter: Exporter
    path: Path
    bytes: int
    figures: ExportFigures


@app.command(help=HELP, short_help="Write an architecture or a detector to files of other frameworks.")
def export(
    architecture: Annotated[
        str,
        typer.Argument(help="A published model, 18 widths, a block specification (FILE.json) or a model directory."),
    ],
    out: OutDirectory = HERE,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="Format of the file; repeat it for several.  [default: spec]")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(metavar="DIR", help="COCO directory; some formats take example images from it.")
    ] = None,
    latency: Annotated[
        bool, typer.Option("--latency/--no-latency", help="Measure the latency, for a few seconds a file.")
    ] = True,
    threads: Annotated[int, typer.Option(min=1, help="Processors that the latency is measured on.")] = 1,
    python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Python that has the runtimes of the latency; default: this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Writes one file for each format."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    exporters = [_exporter(name) for name in dict.fromkeys(formats or ["spec"])]
    specification, detector = named_architecture(architecture), _detector(Path(architecture).expanduser())
    exported = Export(
        specification,
        detector,
        baseline=replace(SP_EFFICIENTNET_B0, input_px=specification.architecture.input_px),
        dataset=dataset,
    )
    if detector is None and any(each.place == "worker" for each in exporters):
        note("the weights are initial ones of seed 0; nothing was trained")
    for each in exporters:
        if dataset is None and each.without_dataset:
            note(f"{each.name}: {each.without_dataset}; give one with --dataset DIR")
    if latency and python is not None:
        from exporters.benchmarks.export_figures import check_python

        check_python(python)
    written: list[Written] = []
    try:
        for each in exporters:
            written.append(_written(each, exported, out, latency, threads, python))
    except EffspineError:
        for done in written:
            note(f"written before the error: {done.path}")
        raise
    params = cost_report(specification.architecture).params
    if as_json:
        print_json(_document(written, params, None if detector is None else detector.origin))
    else:
        _print(written, params)


def _exporter(name: str) -> Exporter:
    if name not in EXPORTERS:
        raise InvalidValueError(f"format is {name!r}; it must be one of {', '.join(EXPORTERS)}", field="format")
    return EXPORTERS[name]


def _detector(path: Path) -> DetectorModel | None:
    """The detector in a model directory, or of its configuration file; None for any other architecture."""
    if path.is_dir():
        return load_detector(path)
    return load_detector(path.parent) if path.is_file() and path.name == CONFIG_FILE else None


def _written(
    exporter: Exporter, exported: Export, out: Path, latency: bool, threads: int, python: Path | None
) -> Written:
    from exporters.benchmarks.export_figures import add_to_card, measured, sizes

    stem = f"{file_stem(exported.architecture.name, 'architecture')}-{exporter.name}"
    with TemporaryDirectory() as temporary:
        directory = Path(temporary)
        exporter.write(exported, directory)
        figures = measured(directory, python=python, threads=threads) if latency else sizes(directory)
        add_to_card(directory, figures)
        content = exporter.packed(directory, stem)
    path = write_file(out, f"{stem}{exporter.suffix}", content)
    return Written(exporter, path, len(content), figures)


def _document(written: list[Written], params: int, origin: str | None) -> dict[str, object]:
    exports = [
        {
            "format": each.exporter.name,
            "path": str(each.path),
            "bytes": each.bytes,
            "models": [asdict(model) for model in each.figures.models],
        }
        for each in written
    ]
    machines = (each.figures.machine for each in written)
    machine = next((machine for machine in machines if machine is not None), None)
    return {"origin": origin, "parameters": params, "machine": machine, "exports": exports}


def _print(written: list[Written], params: int) -> None:
    """Prints the paths, and where there are weights, a table of the models."""
    for each in written:
        print_text(str(each.path))
    if not any(each.figures.models for each in written):
        return
    from exporters.benchmarks.export_figures import latency_text, machine_text

    rows = [
        (
            each.exporter.name,
            model.file,
            _kilobytes(model.bytes),
            f"{params:,}",
            model.scope or "-",
            latency_text(model),
        )
        for each in written
        for model in each.figures.models
    ]
    rows += [
        (each.exporter.name, each.path.name, _kilobytes(each.bytes), f"{params:,}", "-", "-")
        for each in written
        if not each.figures.models
    ]
    titles = ("format", "file", "kB", "parameters", "what was run", "ms for one image: median (quartiles)")
    print_table(
        titles,
        rows,
        left=("format", "file", "what was run"),
        drop=("parameters", "what was run"),
        cut=("what was run",),
    )
    for machine in [each.figures.machine for each in written if each.figures.machine is not None][:1]:
        print_text(machine_text(machine))


def _kilobytes(count: int) -> str:
    return f"{count / 1e3:,.0f}"
