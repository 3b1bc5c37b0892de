"""The text of `docs/object-sizes.md`, from rows. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from api.cli.output import duration, millions, three_digits
from nas_controller.proxy_check.study import UNIFORM
from nas_controller.search.finals_verdict import Comparison, difference_text
from tools.studies.comparisons import by_seed, difference, interval, mean_ap, paired_differences
from tools.studies.finals import PUBLISHED
from tools.studies.markdown import page, section, table
from tools.studies.results_page import synthetic_note
from tools.studies.rows import Rows
from tools.studies.sizes import LARGE, SMALL

NAME = "object-sizes"
"""Of the page, and of the directory of its rows."""
WINNERS = {size: f"winner on {size.name} objects" for size in (SMALL, LARGE)}
"""The labels of the winners."""

Word = Literal["both", "one", "neither", "same"]


class Findings(NamedTuple):
    """The difference of the two winners, small minus large, on each data set, and by how much these differ."""

    on_small: Comparison
    on_large: Comparison
    interaction: Comparison
    word: Word


def find(rows: Rows) -> Findings:
    """The paired differences of the two winners. `word` says how many of them win on their own data."""
    winners = [[by_seed(rows.finals, WINNERS[size], data.name) for size in (SMALL, LARGE)] for data in (SMALL, LARGE)]
    on_small, on_large = (difference(*of_data) for of_data in winners)
    interaction = difference(*(paired_differences(*of_data) for of_data in winners))
    won = (on_small.word == "better") + (on_large.word == "worse")
    widths = {finalist.label: finalist.widths for finalist in rows.finalists}
    is_same = widths[WINNERS[SMALL]] == widths[WINNERS[LARGE]]
    word: Word = "same" if is_same else "both" if won == 2 else "one" if won else "neither"
    return Findings(on_small, on_large, interaction, word)


def verdict(found: Findings) -> str:
    """The verdict in one sentence."""
    measured = f"small minus large: {difference_text(found.on_small)} on small objects and "
    measured += f"{difference_text(found.on_large)} on large ones"
    if found.word == "same":
        return "Both searches have found the same architecture, so neither has learned where its own data need it."
    if found.word == "both":
        return f"Each winner is better than the other one on its own data ({measured})."
    if found.word == "one":
        size = SMALL if found.on_small.word == "better" else LARGE
        return (
            f"Only the winner on {size.name} objects is significantly better than the other one on its own data "
            f"({measured})."
        )
    return f"Neither winner is significantly better than the other one on its own data ({measured})."


def behind(rows: Rows) -> list[str]:
    """A sentence for each winner whose mean AP on its own data is below the other one's or the uniform baseline's."""
    sentences = []
    for size, other in ((SMALL, LARGE), (LARGE, SMALL)):
        own = by_seed(rows.finals, WINNERS[size], size.name)
        below = []
        for label, what in ((WINNERS[other], "the other one"), (UNIFORM, "the uniform baseline")):
            compared = difference(own, by_seed(rows.finals, label, size.name))
            if compared.written_mean < 0:
                significantly = "significantly" if compared.word == "worse" else "not significantly"
                below.append(f"{what} ({compared.written_mean:+.3f} AP, {significantly})")
        if below:
            sentences.append(f"On {size.name} objects, their own winner is behind {' and '.join(below)}.")
    return sentences


def object_sizes_page(rows: Rows) -> str:
    """The page, in Markdown."""
    found = find(rows)
    return page(
        "# Small and large objects: does a search learn where its data need computation?",
        " ".join((verdict(found), *behind(rows))),
        synthetic_note(rows.settings),
        f"`{rows.settings.command}` wrote this page from the rows in [`{NAME}/`]({NAME}): a search on digits of "
        f"{SMALL.text} and one on digits of {LARGE.text}, in images of 128 px. The winner of each was trained alone on "
        "both, with the same seeds.",
        _two_by_two(rows, found),
        _architectures(rows),
        _method(rows),
    )


def _two_by_two(rows: Rows, found: Findings) -> str:
    columns = ("data", *WINNERS.values(), "small minus large (95 % interval)", UNIFORM, PUBLISHED)
    cells = [
        (
            f"{size.name} objects",
            *(three_digits(mean_ap(rows.finals, label, size.name)) for label in WINNERS.values()),
            interval(compared),
            *(three_digits(mean_ap(rows.finals, label, size.name)) for label in (UNIFORM, PUBLISHED)),
        )
        for size, compared in ((SMALL, found.on_small), (LARGE, found.on_large))
    ]
    gains = [
        f"{interval(difference(*(by_seed(rows.finals, each, size.name) for each in (label, UNIFORM))))} on {size.name}"
        for label, size in ((label, size) for label in WINNERS.values() for size in (SMALL, LARGE))
    ]
    return section(
        "## Mean AP",
        table(columns, cells),
        f"The difference on small objects minus that on large ones: {difference_text(found.interaction)}. Above zero, "
        "each winner suits its own data better than the other's.",
        f"Against the uniform baseline, the {WINNERS[SMALL]} has {gains[0]} and {gains[1]} objects; the "
        f"{WINNERS[LARGE]} has {gains[2]} and {gains[3]} objects.",
    )


def _architectures(rows: Rows) -> str:
    cells = [
        (
            finalist.label,
            "" if finalist.number is None else str(finalist.number),
            " ".join(map(str, finalist.widths)),
            millions(finalist.params, 2),
            millions(finalist.madds, 0),
        )
        for finalist in rows.finalists
    ]
    columns = ("architecture", "trial", "widths of the 18 blocks", "parameters", "multi-adds")
    return section("## The architectures", table(columns, cells))


def _method(rows: Rows) -> str:
    settings = rows.settings
    seeds = sorted({final.seed for final in rows.finals})
    searches = "\n".join(
        f"- {search.dataset} objects: {search.trials:,} trials of {search.algorithm}, seed {search.seed}, "
        f"{duration(search.wall_seconds)} of wall time."
        for search in rows.searches
    )
    overrides = "".join(f", {pair}" for pair in settings.overrides)
    return section(
        "## How it was made",
        f"    {settings.command}",
        searches,
        f"effspine {settings.effspine}; profile {settings.profile}{overrides}. A winner is the trial of the highest "
        "[estimated value](architecture.md#finals), not of the highest reward. Finals: "
        f"{settings.finals_task}, seeds {seeds[0]} to {seeds[-1]}, on images that no search has seen. "
        "A difference is that of two mean AP as written; its interval is paired by seed and comes from its own t-test.",
        "## Limits",
        "- It is one search on each data set: another seed gives another winner.\n"
        "- The data are digits, and the networks are proxies of the architectures.\n"
        "- An undecided difference is no proof of equality: the interval says how large it can be.",
    )
