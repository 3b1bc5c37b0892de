"""The text of `docs/results.md`, from rows. Pure."""

from __future__ import annotations

from statistics import fmean

from api.cli.output import duration, millions, three_digits
from nas_controller.proxy_check.study import UNIFORM
from nas_controller.search.finals_verdict import difference_text
from search_space.display import counted
from search_space.fitting import BUDGET_TOLERANCE
from tools.studies.comparisons import by_seed, difference, interval
from tools.studies.markdown import page, section, table
from tools.studies.results_findings import (
    BEST_OF_RANDOM,
    DATASET,
    FEWER_PARAMS,
    MOST_OF_THE_COST,
    RANDOM,
    REINFORCE,
    WINNER,
    Cost,
    Line,
    baseline_of,
    cost,
    lines,
    sampled,
    smoothed,
    verdict,
    window_trials,
)
from tools.studies.results_plots import FIGURE_3, FIGURE_5, LEARNING_CURVE, RANGE
from tools.studies.rows import Finalist, Rows, Settings

NAME = "results"
"""Of the page, and of the directory of its rows."""


def results_page(rows: Rows) -> str:
    """The page, in Markdown."""
    found, spent = lines(rows), cost(rows)
    trials = rows.searches[0].trials
    return page(
        "# The result of a search",
        verdict(rows).sentence,
        synthetic_note(rows.settings),
        f"`{rows.settings.command}` wrote this page from the rows in [`{NAME}/`]({NAME}): {trials:,} trials "
        f"by the controller, {trials:,} by random search in the same space on the same data, and the finals.",
        _finals(rows, found),
        _goals(rows, spent),
        _search(rows),
        _figures(rows),
        _cost(spent, trials, rows),
        _method(rows),
    )


def synthetic_note(settings: Settings) -> str:
    """The sentence that makes clear that nothing was trained; empty where something was."""
    return "Nothing was trained: the AP is a function of the widths." if settings.is_synthetic else ""


def _finals(rows: Rows, found: dict[str, Line]) -> str:
    columns = (
        "architecture", "trial", "mean AP", "difference to uniform (95 % interval)", "verdict", "parameters",
        "multi-adds", "seeds",
    )  # fmt: skip
    cells = [
        (
            label,
            "" if line.finalist.number is None else str(line.finalist.number),
            three_digits(line.ap),
            "" if label == UNIFORM else interval(line.difference),
            "" if label == UNIFORM else line.difference.word,
            f"{millions(line.finalist.params, 2)} ({line.params_ratio:.2f})",
            f"{millions(line.finalist.madds, 0)} ({line.madds_ratio:.2f})",
            str(line.seeds),
        )
        for label, line in found.items()
    ]
    searched = by_seed(rows.finals, WINNER, DATASET)
    to_random = difference(searched, by_seed(rows.finals, BEST_OF_RANDOM, DATASET))
    return section(
        "## The finals",
        f"Each architecture was trained alone, from fresh weights ({rows.settings.finals_task}), with the same seeds, "
        "and scored on images that no search has seen. A difference is that of two mean AP as written; its "
        "interval is paired by seed and comes from its own t-test. Ratios are to the uniform baseline. The winner and "
        "the best are chosen by [estimated value](architecture.md#finals), not by reward.",
        table(columns, cells),
        f"The winner against the best of random search: {difference_text(to_random)} ({to_random.word}).",
    )


def _goals(rows: Rows, spent: Cost) -> str:
    word = verdict(rows).word
    ratio, other = spent.ratio, cost(rows, RANDOM).ratio
    rows_of_table = [
        (
            f"the winner is better than the uniform baseline, or an architecture is equal within the interval with at "
            f"least {FEWER_PARAMS:.0%} fewer parameters".replace("%", " %"),
            {"better": "yes: better", "fewer parameters": "yes: equal with fewer parameters"}.get(word, f"no: {word}"),
        ),
        (
            f"the search takes at most {percent(MOST_OF_THE_COST)} of the computing time of as many trainings alone",
            "unknown"
            if ratio is None or other is None
            else f"{'yes' if max(ratio, other) <= MOST_OF_THE_COST else 'no'}: {percent(ratio)}, or {percent(other)} "
            "by the time that random search took for its trials",
        ),
    ]
    return section("## Goals", table(("goal", "met?"), rows_of_table))


def _search(rows: Rows) -> str:
    sentences = []
    for search in rows.searches:
        trials = sampled(rows.trials, search.name)
        _, means, _ = smoothed(trials)
        highest = max(trials, key=lambda trial: trial.ap)
        sentences.append(
            f"- **{search.algorithm}**: the mean AP goes from {means[0]:.3f} to {means[-1]:.3f}, the highest AP is "
            f"{highest.ap:.3f} (trial {highest.number}); {duration(search.wall_seconds)} of wall time."
        )
    baseline = baseline_of(rows.trials)
    window = window_trials(sampled(rows.trials, REINFORCE))
    return section(
        "## The search",
        f"![AP over trials, of reinforce and of random search]({NAME}/{LEARNING_CURVE})",
        f"Means are over {counted(window, 'trial')}. The uniform baseline has {baseline.ap:.3f}. These AP order "
        "architectures within the search; the finals are other trainings.",
        "\n".join(sentences),
    )


def _figures(rows: Rows) -> str:
    trials = [trial for search in (REINFORCE, RANDOM) for trial in sampled(rows.trials, search)]
    baseline = baseline_of(rows.trials)
    on_budget = fmean(abs(trial.madds / baseline.madds - 1) <= BUDGET_TOLERANCE for trial in trials)
    fewer = fmean(trial.params < baseline.params for trial in trials)
    return section(
        "## Figure 3 of the paper, from our rows",
        f"![Width and multi-adds of each block]({NAME}/{FIGURE_3})",
        "## Figure 5 of the paper, from our rows",
        f"![Multi-adds and parameters against AP]({NAME}/{FIGURE_5})",
        f"Of {len(trials):,} sampled architectures, {percent(on_budget)} are within {percent(BUDGET_TOLERANCE)} of the "
        f"budget (the paper: within 10 %), and {percent(fewer)} have fewer parameters than the uniform baseline. As in "
        f"the paper, multi-adds are shown within {percent(RANGE)} of the baseline's; parameters are shown all.",
    )


def _cost(spent: Cost, trials: int, rows: Rows) -> str:
    random = cost(rows, RANDOM)
    cells = [
        ("training of the shared weights", _seconds(spent.shared), _seconds(random.shared)),
        (f"scoring of {counted(trials, 'trial')}", _seconds(spent.scoring), _seconds(random.scoring)),
        ("the search", _seconds(spent.shared + spent.scoring), _seconds(random.shared + random.scoring)),
        (
            f"{counted(trials, 'training')} alone, {spent.of_a_training:.1f} s each in the finals",
            _seconds(spent.alone),
            _seconds(random.alone),
        ),
        ("ratio", *("unknown" if each.ratio is None else percent(each.ratio) for each in (spent, random))),
    ]
    seconds = sum(final.seconds for final in rows.finals)
    return section(
        "## Cost",
        table(("seconds of one processor", "search by reinforce", "random search"), cells),
        "A trial is the same work in both searches; what differs is what else the machine was doing. The shared "
        f"weights were trained once, for both. The finals took a further {_seconds(seconds)} s.",
    )


def _method(rows: Rows) -> str:
    settings, search = rows.settings, rows.searches[0]
    overrides = "".join(f", {pair}" for pair in settings.overrides)
    finals_seeds = sorted({final.seed for final in rows.finals})
    return section(
        "## How it was made",
        f"    {settings.command}",
        f"effspine {settings.effspine}; profile {settings.profile}{overrides}; seed {search.seed} in both searches, "
        f"seeds {finals_seeds[0]} to {finals_seeds[-1]} in the finals. An interrupted run continues. "
        "The finalists of a search are the trials of the highest [estimated value](architecture.md#finals), not "
        "of the highest reward:",
        "\n".join(_choice(rows, finalist) for finalist in rows.finalists if finalist.number is not None),
        "## Limits",
        "- There is one search by each algorithm: another seed gives another winner, and the difference of the two "
        "algorithms is a single sample. [`effspine bench searchers`](performance.md) compares many seeds.\n"
        "- The data set is digits, and the networks are proxies of the architectures. What wins here need not win on "
        "other data or at full size.\n"
        "- An undecided difference is no proof of equality: the interval says how large it can be.\n"
        "- Each is a separate 95 % interval, not corrected for multiple comparisons.",
    )


def _choice(rows: Rows, finalist: Finalist) -> str:
    """The reward of a finalist of a search, its rank among the rewards of that search, and its estimate."""
    found = {trial.number: trial.ap for trial in sampled(rows.trials, finalist.search or "")}
    reward = found[finalist.number or 0]
    rank = 1 + sum(ap > reward for ap in found.values())
    return (
        f"- {finalist.label}, trial {finalist.number}: reward {reward:.4f}, rank {rank:,} of {len(found):,}; estimate "
        f"{finalist.estimate:.4f}"
    )


def percent(ratio: float) -> str:
    """`12 %`, with a decimal below 10 %."""
    value = 100 * ratio
    return f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f}"
