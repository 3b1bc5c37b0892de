"""`effspine models | cost | sample | allocate`: what can be built and what it costs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import millions, print_json, print_table, spark_line
from search_space.published import DEFAULT_BASE
from search_space.errors import InvalidValueError
from search_space.notation import numbers, whole_numbers

if TYPE_CHECKING:
    from search_space.space import SearchSpace

models_app = typer.Typer(add_completion=False)
cost_app = typer.Typer(add_completion=False)
sample_app = typer.Typer(add_completion=False)
allocate_app = typer.Typer(add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Base = Annotated[str, typer.Option(help="Architecture that the search space starts from.")]
AllocationMode = Annotated[
    str, typer.Option(help="exact: on budget after rounding; paper: Equations 2 to 4 in one pass.")
]
BudgetMadds = Annotated[int | None, typer.Option(help="Budget in plain multi-adds; default: the base's own.")]

LARGEST_COUNT = 1_000_000


@models_app.command()
def models(as_json: AsJson = False) -> None:
    """List the published networks with our count beside the published one."""
    from search_space.catalogue import models as catalogue

    rows = catalogue()
    if as_json:
        print_json([row.to_dict() for row in rows])
        return
    print_table(
        None,
        ("model", "task", "input", "multi-adds", "profiler", "published", "params", "published", "source"),
        (
            (
                row.name,
                row.task,
                f"{row.input_px} px",
                millions(row.madds),
                millions(row.madds_profiler),
                f"{millions(row.published_madds)} {100 * row.madds_difference:+.1f} %",
                millions(row.params, 2),
                f"{millions(row.published_params, 2)} {100 * row.params_difference:+.1f} %",
                row.source,
            )
            for row in rows
        ),
        left=("model", "task", "source"),
    )


@cost_app.command()
def cost(
    widths: Annotated[str, typer.Option(help="18 channel widths, separated by commas.")],
    input_px: Annotated[int, typer.Option(help="Side of the square input image.")] = 512,
    as_json: AsJson = False,
) -> None:
    """Count multi-adds and parameters of one architecture, block by block."""
    from search_space.architecture import Architecture
    from search_space.cost import cost_report

    report = cost_report(Architecture(widths=whole_numbers("widths", widths), input_px=input_px)).to_dict()
    if as_json:
        print_json(report)
        return
    print_table(
        f"{millions(report['madds'])} multi-adds ({millions(report['madds_profiler'])} as a profiler counts), "
        f"{millions(report['params'], 2)} parameters at {input_px} px",
        ("block", "level", "width", "multi-adds", "share", "params"),
        (
            (
                str(block["block"]),
                f"L{block['level']}",
                str(block["width"]),
                millions(block["madds"]),
                f"{100 * block['madds'] / report['madds']:.1f} %",
                f"{block['params']:,}",
            )
            for block in report["blocks"]
        ),
    )


@sample_app.command()
def sample(
    count: Annotated[int, typer.Option(help="How many.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same architectures.")] = 0,
    mode: AllocationMode = "exact",
    budget_madds: BudgetMadds = None,
    base: Base = DEFAULT_BASE,
    as_json: AsJson = False,
) -> None:
    """Draw random architectures on the budget, each multiplier uniformly from the choices."""
    if not 1 <= count <= LARGEST_COUNT:
        raise InvalidValueError(f"count is {count}; it must be from 1 to {LARGEST_COUNT:,}", field="count")
    space = _space(base, budget_madds, mode)
    draw = random.Random(seed)
    rows = [space.candidate(draw.choices(space.choices, k=space.num_blocks)).to_dict() for _ in range(count)]
    if as_json:
        print_json(rows)
        return
    _print_candidates(rows)


@allocate_app.command()
def allocate(
    betas: Annotated[str, typer.Option(help="18 multipliers, separated by commas.")],
    mode: AllocationMode = "exact",
    budget_madds: BudgetMadds = None,
    base: Base = DEFAULT_BASE,
    as_json: AsJson = False,
) -> None:
    """Turn 18 multipliers into channel widths on the budget."""
    row = _space(base, budget_madds, mode).candidate(numbers("betas", betas)).to_dict()
    if as_json:
        print_json(row)
        return
    _print_candidates([row])


def _space(base: str, budget_madds: int | None, mode: str) -> SearchSpace:
    from search_space.space import SearchSpace

    return SearchSpace(base, budget_madds, mode)  # type: ignore[arg-type]  # the constructor checks the mode


def _print_candidates(rows: list[dict[str, Any]]) -> None:
    print_table(
        None,
        ("betas", "widths", "", "multi-adds", "of budget", "params"),
        (
            (
                ",".join(f"{beta:g}" for beta in row["betas"]),
                ",".join(str(width) for width in row["widths"]),
                spark_line(row["widths"]),
                millions(row["madds"]),
                f"{100 * row['madds_ratio']:.2f} %",
                millions(row["params"], 2),
            )
            for row in rows
        ),
        left=("betas", "widths"),
    )
