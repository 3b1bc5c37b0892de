"""`effspine proxy-check`: measures, before a search, whether a proxy task's reward can guide it.

effspine proxy-check --profile laptop --dataset digits --reference truth.jsonl --seeds 1     against a truth table
effspine proxy-check --profile laptop-alone --dataset digits     16 architectures, 3 seeds, 8 times longer references
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_controller.search.limits import MAX_PARALLELISM
from search_space.errors import InvalidValueError
from search_space.option_values import parse_whole_count
from search_space.proxy_task import PROFILES
from search_space.published import DEFAULT_BASE
from search_space.terminal import note, print_json, print_text

if TYPE_CHECKING:
    from nas_controller.proxy_check.results import Results
    from nas_controller.proxy_check.study import Study
    from nas_controller.proxy_check.verdict import Thresholds
    from search_space.proxy_task import ProxyTask

FAILED_STATUS = 1
REFERENCE_FACTOR = 8

app = typer.Typer(add_completion=False)

DatasetName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Name of a registered data set, instead of --data.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Replace one field of the proxy task.")
]
Budget = Annotated[
    str | None,
    typer.Option(metavar="MADDS", help="Budget in plain multi-adds, such as 650M; default: that of the base."),
]
Architectures = Annotated[
    int | None,
    typer.Option(help="Architectures, including the uniform baseline; default: 16, or all of the given file."),
]
WidthsFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Architectures to train: 18 widths and a name on each line.")
]
ReferenceFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Truth table: results of architectures trained alone, instead of references."),
]
ReferenceFactor = Annotated[
    int | None, typer.Option(help="Steps of the reference as a multiple of the proxy's; default: 8.")
]
NoReference = Annotated[
    bool, typer.Option("--no-reference", help="Train no references: measure the noise, not the ranking.")
]
OutFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Results, to resume from; default: in the data directory.")
]


@app.command()
def proxy_check(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data set directory, in COCO format.")] = None,
    dataset: DatasetName = None,
    profile: Annotated[str, typer.Option(help=f"Profile of the proxy task: {', '.join(PROFILES)}.")] = "laptop",
    overrides: Overrides = None,
    base: Annotated[str, typer.Option(help="Base of the search space: a published model.")] = DEFAULT_BASE,
    budget_madds: Budget = None,
    architectures: Architectures = None,
    widths: WidthsFile = None,
    seeds: Annotated[int, typer.Option(help="Seeds to train each architecture with.")] = 3,
    reference: ReferenceFile = None,
    reference_factor: ReferenceFactor = None,
    no_reference: NoReference = False,
    parallelism: Annotated[int, typer.Option(min=1, max=MAX_PARALLELISM, help="Trainings at once.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the architectures, and first seed of the trainings.")] = 1,
    out: OutFile = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a plot, .svg or .png.")] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="Only report existing results.")] = False,
    min_icc: Annotated[float, typer.Option(min=-1, max=1, help="Minimum ICC(1) to pass.")] = 0.5,
    max_variation: Annotated[float, typer.Option(min=0, help="Coefficients of variation pass below it.")] = 0.15,
    min_tau: Annotated[float, typer.Option(min=-1, max=1, help="Minimum Kendall tau of one seed to pass.")] = 0.5,
    max_seconds: Annotated[float, typer.Option(min=0, help="The median trial passes below this.")] = 90.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure whether a proxy task's reward distinguishes architectures and ranks them as longer training does.

    Exit status: 0 if all criteria pass, 1 otherwise, 2 for wrong input. Run it again to resume.
    """
    from nas_controller.proxy_check.study import design
    from nas_controller.proxy_check.truth_file import read_truth
    from nas_controller.proxy_check.verdict import Thresholds
    from nas_controller.proxy_check.widths_file import read_widths
    from search_space.proxy_task import parse_overrides, resolve
    from search_space.space import SearchSpace

    task = resolve(profile, **parse_overrides(overrides or []))
    _check_together(widths, reference, reference_factor, no_reference)
    space = SearchSpace(base, None if budget_madds is None else parse_whole_count("budget_madds", budget_madds))
    factor = REFERENCE_FACTOR if reference_factor is None else reference_factor
    study = design(
        space,
        task,
        _dataset(task, data, dataset, must_exist=not report_only),
        architectures=architectures,
        seeds=seeds,
        reference_factor=None if no_reference or reference else factor,
        seed=seed,
        listed=None if widths is None else read_widths(widths),
        truth=None if reference is None else read_truth(reference, space.base.name),
    )
    if plot is not None:
        from nas_controller.proxy_check.plot import check_suffix

        check_suffix(plot)
    path = _results_path(study, out)
    results = _read(path) if report_only else _train(study, path, parallelism)
    thresholds = Thresholds(min_icc=min_icc, max_variation=max_variation, min_tau=min_tau, max_seconds=max_seconds)
    if not _report(study, results, thresholds, path, plot, as_json):
        raise typer.Exit(FAILED_STATUS)


def _check_together(
    widths: Path | None, reference: Path | None, reference_factor: int | None, no_reference: bool
) -> None:
    """Raises InvalidValueError where a truth table is given with an option that contradicts it."""
    if reference is None:
        return
    others = {"--widths": widths is not None, "--reference-factor": reference_factor is not None}
    for option, is_given in {**others, "--no-reference": no_reference}.items():
        if is_given:
            raise InvalidValueError(f"give either --reference or {option}", field="reference")


def _report(
    study: Study, results: Results, thresholds: Thresholds, path: Path, plot: Path | None, as_json: bool
) -> bool:
    """Prints the findings and writes the requested plot; whether all criteria pass."""
    from nas_controller.proxy_check.findings import find
    from nas_controller.proxy_check.verdict import judge

    findings = find(study, results)
    verdict = judge(study, findings, thresholds)
    if plot is not None:
        from nas_controller.proxy_check.plot import write_plot

        write_plot(findings, plot)
    if as_json:
        from nas_controller.proxy_check.document import document

        check = document(study, findings, verdict, thresholds, path)
        print_json(check)
    else:
        from nas_controller.proxy_check.tables import print_check

        print_check(study, findings, verdict)
        print_text(f"results: {path}")
    return verdict.passed


def _dataset(task: ProxyTask, data: Path | None, name: str | None, *, must_exist: bool) -> str | None:
    """The directory of the data set, None for a task that trains nothing."""
    if task.kind == "synthetic":
        if data is not None or name is not None:
            raise InvalidValueError(f"profile {task.profile} trains nothing and takes no data set", field="dataset")
        return None
    if (data is None) == (name is None):
        raise InvalidValueError("give either --data or --dataset", field="dataset")
    if name is not None:
        from search_space.data_dir import data_dir
        from search_space.datasets import dataset_path

        return str(dataset_path(data_dir(), name).resolve())
    assert data is not None
    if must_exist and not data.expanduser().is_dir():
        raise InvalidValueError(f"there is no data set directory {data}", field="data")
    return str(data.expanduser().resolve())


def _results_path(study: Study, out: Path | None) -> Path:
    """The file of the results. Raises InvalidValueError if it is the truth table."""
    path = out or _default_path(study)
    if study.truth is not None and path.resolve() == study.truth.path.resolve():
        raise InvalidValueError(
            f"the results would be added to the truth table {path}; give another --out", field="out"
        )
    return path


def _default_path(study: Study) -> Path:
    """A file in the data directory, one per base, task and data set."""
    from nas_controller.canonical_json import canonical_json, sha256_hex
    from search_space.data_dir import data_dir

    identity = {"base": study.base.name, "task": study.task.to_dict(), "dataset": study.dataset}
    names = [study.task.profile, *([Path(study.dataset).name] if study.dataset else []), study.base.name]
    return data_dir() / "proxy-checks" / f"{'-'.join(names)}-{sha256_hex(canonical_json(identity))[:8]}.jsonl"


def _read(path: Path) -> Results:
    """The results in a file. Raises InvalidValueError if it does not exist."""
    from nas_controller.proxy_check.results import read

    if not path.is_file():
        raise InvalidValueError(f"there are no results in {path}", field="out")
    return read(path)


def _train(study: Study, path: Path, parallelism: int) -> Results:
    """Runs the missing trainings; returns all results."""
    from nas_controller.proxy_check.progress import show_progress
    from nas_controller.proxy_check.results import missing, open_results
    from search_space.data_dir import data_dir

    with open_results(path) as file:
        if not missing(study, file.results):
            return file.results
        from nas_controller.execution.ray_executor import RayExecutor
        from nas_controller.proxy_check.running import train_missing

        log = path.with_name(path.name + ".log").absolute()
        try:
            with show_progress(study, file.results, parallelism) as progress:
                train_missing(
                    study,
                    file,
                    parallelism=parallelism,
                    cache_dir=data_dir() / "cache",
                    listener=progress,
                    executor=RayExecutor(f"check_{os.getpid()}", log=log),
                )
        except KeyboardInterrupt:
            left = len(missing(study, file.results))
            note(f"stopped; {left} trainings are left: run it again to resume, or with --report-only")
            raise
        return file.results
