"""`effspine bench searchers`: about ten minutes on two cores.

Expected of the defaults: `reinforce` takes at most a quarter of the trials that random search takes to the same value,
and no other searcher is better after 1,000 trials.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from search_space.errors import InvalidValueError

app = typer.Typer(add_completion=False)

ALGORITHMS = ("reinforce", "random", "evolution", "local-search", "tpe")


@app.command()
def searchers(
    seeds: Annotated[int, typer.Option(min=2, help="Searches of every algorithm on every landscape.")] = 30,
    trials: Annotated[int, typer.Option(min=2, max=100_000, help="Trials of a search.")] = 1000,
    rewards: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines of scored architectures (widths, ap), to fit a surrogate to."),
    ] = None,
    controller: Annotated[
        list[str] | None,
        typer.Option(metavar="JSON", help="A further `controller` of a campaign to compare; can be given repeatedly."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a plot, as .svg or .png.")] = None,
) -> None:
    """Compare the search algorithms: the true value of what they find, over trials."""
    from nas_controller.benchmarks.searchers.comparison import compare
    from nas_controller.benchmarks.searchers.landscapes import landscapes
    from nas_controller.benchmarks.searchers.progress import show_progress
    from nas_controller.benchmarks.searchers.runs import run_all
    from nas_controller.benchmarks.searchers.surrogate import read_surrogate
    from nas_controller.benchmarks.searchers.tables import print_tables

    if plot is not None:
        from nas_controller.proxy_check.plot import check_suffix

        check_suffix(plot)
    controllers = {name: {"algorithm": name} for name in ALGORITHMS} | _parsed(controller or [])
    surrogate = None if rewards is None else read_surrogate(rewards)
    with show_progress() as show:
        runs = run_all(list(controllers.values()), seeds, trials, rewards, show)
    results = compare(landscapes(surrogate), controllers, runs, seeds)
    fit = None if surrogate is None else surrogate.fit
    if plot is not None:
        from nas_controller.benchmarks.searchers.plot import write_plot

        write_plot(results, plot)
    if as_json:
        document = {
            "seeds": seeds,
            "trials": trials,
            "surrogate": None if fit is None else vars(fit),
            "landscapes": [result.to_dict() for result in results],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    print_tables(results, fit)


def _parsed(controllers: list[str]) -> dict[str, dict[str, Any]]:
    """The controllers by label, which is their text without punctuation. Raises InvalidValueError."""
    from pydantic import ValidationError

    from nas_controller.search.controller_spec import ControllerSpec

    found = {}
    for text in controllers:
        try:
            ControllerSpec.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["controller", *map(str, first["loc"])])
            raise InvalidValueError(f"{where}: {first['msg']}", field="controller") from error
        document = json.loads(text)
        settings = " ".join(f"{name} {value}" for name, value in document.items() if name != "algorithm")
        found[f"{document.get('algorithm', 'reinforce')} {settings}".strip()] = document
    return found
