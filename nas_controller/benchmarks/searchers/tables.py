"""The comparison of searchers as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nas_controller.benchmarks.searchers.comparison import Interval, LandscapeResult
from nas_controller.benchmarks.searchers.surrogate import Fit


def print_tables(results: Sequence[LandscapeResult], fits: Mapping[str, Fit]) -> None:
    """Prints how well each surrogate fits, and a table for each landscape."""
    for name, fit in fits.items():
        some = "" if fit.rows == fit.architectures else f"{fit.rows:,} of "
        print(
            f"{name}: {some}{fit.architectures:,} architectures; leave-one-out error {fit.error:.4f}, rewards "
            f"spread by {fit.spread:.4f}, rank correlation {fit.rank_correlation:.2f}"
        )
    if fits:
        print()
    width = max(len(searcher.label) for searcher in results[0].searchers)
    for result in results:
        trials = len(result.searchers[0].mean)
        print(f"{result.name}, noise {result.noise:.3f}: true reward after {trials:,} trials (95 %)")
        for searcher in result.searchers:
            reached = searcher.trials_to_random
            trials_to = "not reached" if reached is None else _formatted(reached, ",.0f")
            print(
                f"  {searcher.label:{width}}  {_formatted(searcher.final, '.3f')}"
                f"   trials to random search's: {trials_to}"
                + (
                    ""
                    if searcher.over_reinforce is None
                    else f"   over reinforce: {_formatted(searcher.over_reinforce, '+.3f')}"
                )
            )
        print()


def _formatted(interval: Interval, form: str) -> str:
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"
