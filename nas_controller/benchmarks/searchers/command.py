"""`effspine bench searchers`: the search algorithms on rewards whose true value is known.

All are compared with REFERENCES, which always run. A proposal of `tpe` takes far longer than one of the others, so it
runs only where it is named.

Expected of the defaults: `reinforce` takes at most a quarter of the trials that random search takes to the same value,
and no other searcher is better after 1,000 trials.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from search_space.errors import InvalidValueError

app = typer.Typer(add_completion=False)

ALGORITHMS = ("reinforce", "random", "evolution", "local-search", "tpe")
FAST = ALGORITHMS[:-1]
REFERENCES = ("reinforce", "random")
"""The algorithms that every other one is compared with."""


@app.command()
def searchers(
    seeds: Annotated[int, typer.Option(min=2, help="Searches of every algorithm on every landscape.")] = 30,
    trials: Annotated[int, typer.Option(min=2, max=100_000, help="Trials of a search.")] = 1000,
    algorithm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An algorithm to compare with reinforce and random, which always run; can be given repeatedly. "
            "Default: all but tpe, which takes hours.",
        ),
    ] = None,
    rewards: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Scored architectures to fit a surrogate to: lines with widths and a reward or an ap, such as "
            "docs/truth/digits.jsonl and docs/results/trials.jsonl.gz; can be given repeatedly.",
        ),
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
    from nas_controller.benchmarks.searchers.rewards_file import read_surrogate
    from nas_controller.benchmarks.searchers.runs import run_all
    from nas_controller.benchmarks.searchers.tables import print_tables

    if plot is not None:
        from nas_controller.proxy_check.plot import check_suffix

        check_suffix(plot)
    controllers = _checked([*REFERENCES, *(algorithm or FAST)]) | _parsed(controller or [])
    surrogates = {name: read_surrogate(path) for name, path in _named(rewards or []).items()}
    on = landscapes(surrogates)
    with show_progress() as show:
        runs = run_all(on, list(controllers.values()), seeds, trials, show)
    results = compare(on, controllers, runs, seeds)
    fits = {name: surrogate.fit for name, surrogate in surrogates.items()}
    if plot is not None:
        from nas_controller.benchmarks.searchers.plot import write_plot

        write_plot(results, plot)
    if as_json:
        document = {
            "seeds": seeds,
            "trials": trials,
            "surrogates": [{"name": name, **vars(fit)} for name, fit in fits.items()],
            "landscapes": [result.to_dict() for result in results],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    print_tables(results, fits)


def _checked(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The default controllers of these algorithms, by name. Raises InvalidValueError."""
    for name in names:
        if name not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise InvalidValueError(f"algorithm is {name!r}; it must be one of {known}", field="algorithm")
    return {name: {"algorithm": name} for name in names}


def _named(paths: list[Path]) -> dict[str, Path]:
    """The files by the names of their surrogates. Raises InvalidValueError for two files with one name."""
    found: dict[str, Path] = {}
    for path in paths:
        name = f"surrogate of {path.name}"
        if name in found:
            raise InvalidValueError(
                f"{found[name]} and {path} have one name, and a surrogate is named after its file; rename one",
                field="rewards",
            )
        found[name] = path
    return found


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
