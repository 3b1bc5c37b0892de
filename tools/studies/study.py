"""A study as a command: its options, its resumption and its end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli.main import INTERRUPTED_STATUS, run
from nas_controller.proxy_check.commands import Overrides
from search_space.atomic_file import write_atomically
from search_space.data_dir import data_dir
from search_space.terminal import note, print_text
from tools.studies.plan import SEED, Plan, command_text, finals_text
from tools.studies.rows import Rows, Settings, read_rows, write_rows

DOCS = Path(__file__).parents[2] / "docs"
SEEDS = 5

Trials = Annotated[int, typer.Option(min=2, help="Trials of each search, including the uniform baseline.")]
Seeds = Annotated[int, typer.Option(help="Trainings of each finalist.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the search.")]
Parallelism = Annotated[int, typer.Option(min=1, help="Trials and trainings at once.")]
Profile = Annotated[str, typer.Option(help="Proxy task of the searches.")]
FinalsProfile = Annotated[
    str | None, typer.Option(help="Proxy task of the finals; default: as in the finals of a campaign.")
]
FinalsOverrides = Annotated[
    list[str] | None,
    typer.Option("--finals-set", metavar="FIELD=VALUE", help="Replace one field of the proxy task of the finals."),
]
Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="Data sets, database and trainings; default: in the data directory."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory of the page and of its rows.")]
PageOnly = Annotated[bool, typer.Option("--page-only", help="Only write the page again, from its rows.")]


@dataclass(frozen=True)
class Study:
    """`name` is the name of its make target, its page and the directory of its rows; `trials` is per search.

    `measure` runs what is left of it and returns all rows; `draw` writes the figures of the page into a directory and
    returns the text of the page.
    """

    name: str
    trials: int
    measure: Callable[[Plan, Settings], Rows]
    draw: Callable[[Rows, Path], str]

    def write_page(self, out: Path) -> None:
        """Writes the page and its figures from the rows in `out`. Raises InvalidValueError where there are none."""
        directory, path = out / self.name, out / f"{self.name}.md"
        write_atomically(path, self.draw(read_rows(directory), directory).encode())
        print_text(f"wrote {path}")

    def run(self, plan: Plan, out: Path) -> None:
        """Runs what is left of the study, and writes its rows and its page into `out`."""
        usual = Plan(plan.directory, self.trials, SEEDS)
        settings = Settings(
            command=command_text(self.name, plan, usual),
            effspine=version("effspine"),
            profile=plan.profile,
            overrides=plan.overrides,
            finals_task=finals_text(plan),
            is_synthetic=plan.is_synthetic,
        )
        write_rows(out / self.name, self.measure(plan, settings))
        self.write_page(out)


def main(study: Study) -> NoReturn:
    """Runs the command of a study and exits with its status, as `effspine` does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    status = run(sys.argv[1:], _application(study), f"make {study.name}")
    if status == INTERRUPTED_STATUS:
        note("stopped; the same command continues")
    sys.exit(status)


def _application(study: Study) -> typer.Typer:
    app = typer.Typer(add_completion=False)

    @app.command(help=f"Measure what docs/{study.name}.md shows, and write it. Run it again to resume.")
    def run_study(
        trials: Trials = study.trials,
        seeds: Seeds = SEEDS,
        seed: Seed = SEED,
        parallelism: Parallelism = 2,
        profile: Profile = "laptop",
        overrides: Overrides = None,
        finals_profile: FinalsProfile = None,
        finals_overrides: FinalsOverrides = None,
        directory: Directory = None,
        out: Out = DOCS,
        page_only: PageOnly = False,
    ) -> None:
        if page_only:
            study.write_page(out)
            return
        plan = Plan(
            directory=(directory or data_dir() / "studies" / study.name).expanduser().absolute(),
            trials=trials,
            seeds=seeds,
            parallelism=parallelism,
            seed=seed,
            profile=profile,
            overrides=tuple(overrides or ()),
            finals_profile=finals_profile,
            finals_overrides=tuple(finals_overrides or ()),
        )
        study.run(plan, out)

    return app


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
