"""`effspine models | cost | sample | allocate`: architectures and their cost."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import (
    millions,
    millions_or_dash,
    note,
    print_json,
    print_table,
    signed_percent,
    spark_line,
    warning,
)
from search_space.errors import InvalidValueError
from search_space.fitting import BUDGET_TOLERANCE
from search_space.option_values import (
    architecture_from_options,
    parse_numbers,
    parse_whole_count,
    parse_whole_numbers,
    parse_whole_numbers_by_key,
)
from search_space.published import DEFAULT_BASE
from search_space.rounding import DIVISOR

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.catalogue import ModelRow
    from search_space.space import SearchSpace

models_app = typer.Typer(add_completion=False)
cost_app = typer.Typer(add_completion=False)
sample_app = typer.Typer(add_completion=False)
allocate_app = typer.Typer(add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Base = Annotated[
    str,
    typer.Option(
        metavar="ARCHITECTURE",
        help="Base of the search space: a published model, 18 widths, a block specification or a model directory.",
    ),
]
AllocationMode = Annotated[
    str,
    typer.Option(
        help=f"exact: within {BUDGET_TOLERANCE:.0%} of the budget after rounding; paper: Equations 2 to 4 in one pass."
    ),
]
BudgetMadds = Annotated[
    str | None,
    typer.Option(metavar="MADDS", help="Budget in plain multi-adds, such as 650M; default: that of the base."),
]

Choices = Annotated[str | None, typer.Option(help="Allowed multipliers of a block; default: 1,5,10,15,20.")]
SearchedBlocks = Annotated[
    str | None, typer.Option(help="Blocks with a multiplier, such as 5,7,9; the others keep their width. Default: all.")
]
MaxParams = Annotated[
    str | None, typer.Option(metavar="COUNT", help="Maximum number of trainable parameters, such as 3.2M.")
]
MaxBlockWidth = Annotated[
    str | None, typer.Option(help="Maximum number of channels of a block; for single blocks: 5=128,7=96.")
]
WidthDivisor = Annotated[int, typer.Option(help="Widths are multiples of this.")]

MAX_COUNT = 1_000_000


@models_app.command()
def models(as_json: AsJson = False) -> None:
    """List every network of the paper with our count and the published one."""
    from search_space.catalogue import TASKS, model_rows

    rows = model_rows()
    if as_json:
        print_json([row.to_dict() for row in rows])
        return
    for task in TASKS:
        _print_models(task.replace("-", " ").capitalize(), [row for row in rows if row.task == task])
    for note_text in dict.fromkeys(row.note for row in rows if row.madds_are_off or row.params_are_off):
        names = " and ".join(row.name for row in rows if row.note == note_text)
        note(f"{names}: {note_text}")


def _print_models(title: str, rows: list[ModelRow]) -> None:
    """Prints a table of models; too large differences from the published counts are red."""
    print_table(
        ("model", "input", "multi-adds", "profiler", "published", "off", "params", "published", "off", "source"),
        (
            (
                row.name,
                f"{row.input_px} px",
                millions(row.madds),
                millions(row.madds_profiler),
                millions_or_dash(row.published_madds),
                warning(signed_percent(row.madds_difference), row.madds_are_off),
                millions(row.params, 2),
                millions_or_dash(row.published_params, 2),
                warning(signed_percent(row.params_difference), row.params_are_off),
                row.source,
            )
            for row in rows
        ),
        title=title,
        left=("model", "source"),
        drop=("source", "profiler", "off", "published", "input", "params"),
    )


@cost_app.command()
def cost(
    widths: Annotated[str | None, typer.Option(help="18 channel widths, comma-separated.")] = None,
    architecture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An exported block specification, instead of --widths.")
    ] = None,
    input_px: Annotated[
        int | None, typer.Option(help="Side of the square input image; default: 512, or that of the file.")
    ] = None,
    diagram: Annotated[
        Path | None, typer.Option(help="Write a diagram of the blocks and those of the baseline, as SVG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count multi-adds and parameters of one architecture, block by block."""
    from search_space.cost import cost_report

    measured = architecture_from_options(widths, architecture, input_px=input_px)
    report = cost_report(measured).to_dict()
    if diagram is not None:
        _draw(measured, diagram)
        note(f"diagram: {diagram}")
    if as_json:
        print_json(report)
        return
    print_table(
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
        title=f"{millions(report['madds'])} multi-adds ({millions(report['madds_profiler'])} as a profiler counts), "
        f"{millions(report['params'], 2)} parameters at {measured.input_px} px",
    )


def _draw(architecture: Architecture, path: Path) -> None:
    """Writes a diagram of an architecture, with its published name if any, and SP-EfficientNet-B0 of its input size."""
    from search_space.diagram.drawing import block_diagram
    from search_space.published import BASES, SP_EFFICIENTNET_B0

    named = next((base for base in BASES.values() if base == architecture), architecture)
    svg = block_diagram(named, replace(SP_EFFICIENTNET_B0, input_px=architecture.input_px))
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise InvalidValueError(
            f"diagram is {str(path)!r}; it cannot be written: {error.strerror}", field="diagram"
        ) from error


@sample_app.command()
def sample(
    count: Annotated[int, typer.Option(help="Number of architectures.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same architectures.")] = 0,
    mode: AllocationMode = "exact",
    budget_madds: BudgetMadds = None,
    base: Base = DEFAULT_BASE,
    choices: Choices = None,
    searched_blocks: SearchedBlocks = None,
    max_params: MaxParams = None,
    max_block_width: MaxBlockWidth = None,
    width_divisor: WidthDivisor = DIVISOR,
    as_json: AsJson = False,
) -> None:
    """Sample architectures within the budget, each multiplier uniformly from the choices."""
    if not 1 <= count <= MAX_COUNT:
        raise InvalidValueError(f"count is {count}; it must be from 1 to {MAX_COUNT:,}", field="count")
    space = _space(base, budget_madds, mode, choices, searched_blocks, max_params, max_block_width, width_divisor)
    draw = random.Random(seed)
    rows = [space.candidate(draw.choices(space.choices, k=space.num_blocks)).to_dict() for _ in range(count)]
    if as_json:
        print_json(rows)
        return
    _print_candidates(rows)


@allocate_app.command()
def allocate(
    betas: Annotated[str, typer.Option(help="A multiplier for each searched block, comma-separated.")],
    mode: AllocationMode = "exact",
    budget_madds: BudgetMadds = None,
    base: Base = DEFAULT_BASE,
    choices: Choices = None,
    searched_blocks: SearchedBlocks = None,
    max_params: MaxParams = None,
    max_block_width: MaxBlockWidth = None,
    width_divisor: WidthDivisor = DIVISOR,
    as_json: AsJson = False,
) -> None:
    """Compute the channel widths of given multipliers within the budget."""
    space = _space(base, budget_madds, mode, choices, searched_blocks, max_params, max_block_width, width_divisor)
    row = space.candidate(parse_numbers("betas", betas)).to_dict()
    if as_json:
        print_json(row)
        return
    _print_candidates([row])


def _space(
    base: str,
    budget_madds: str | None,
    mode: str,
    choices: str | None,
    searched_blocks: str | None,
    max_params: str | None,
    max_block_width: str | None,
    width_divisor: int,
) -> SearchSpace:
    from search_space.named_architecture import named_architecture
    from search_space.space import CHOICES, SearchSpace

    return SearchSpace(
        named_architecture(base).architecture,
        None if budget_madds is None else parse_whole_count("budget_madds", budget_madds),
        mode,  # type: ignore[arg-type]  # the constructor checks it
        choices=CHOICES if choices is None else parse_numbers("choices", choices),
        searched_blocks=None if searched_blocks is None else parse_whole_numbers("searched_blocks", searched_blocks),
        max_params=None if max_params is None else parse_whole_count("max_params", max_params),
        max_block_width=None
        if max_block_width is None
        else parse_whole_numbers_by_key("max_block_width", max_block_width),
        width_divisor=width_divisor,
    )


def _print_candidates(rows: list[dict[str, Any]]) -> None:
    print_table(
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
        drop=("betas", "", "of budget", "params", "multi-adds"),
    )
