"""The verdict of finals: paired differences to the baseline, their intervals, and what follows. Pure.

All finalists and the baseline are trained with the same seeds, so the difference of two rewards of a seed leaves out
what the seed does to both. The interval of a finalist is that of the paired t-test, with n pairs, mean d and standard
deviation s: d ± t(1 - a/2, n - 1) s / sqrt(n). Of several finalists the luckiest would too often look better than it
is, so the intervals hold together with 95 %: a is 5 % over the number of finalists (Bonferroni). Seeds that are added
after a look at the verdict are one more chance for an error that no interval counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from nas_controller.search.finals_rules import FIRST, LATEST
from search_space.display import counted, written_difference

CONFIDENCE = 0.95
MAX_SEEDS = 10_000
"""Beyond this, no number of seeds is suggested."""

Word = Literal["better", "worse", "undecided"]
Rewards = Mapping[tuple[int, int], float]
"""Rewards by trial and seed."""


class Comparison(NamedTuple):
    """A finalist against the baseline over the seeds that both have a reward of.

    `reward` and `baseline_reward` are means over these seeds, `mean` is that of the differences; all need one pair;
    `standard_deviation`, `low` and `high` need 2. `more_seeds` would decide, if mean and standard deviation stayed as
    they are; 0 where it is decided, None where it cannot be said.
    """

    trial: int
    pairs: int
    reward: float | None
    baseline_reward: float | None
    mean: float | None
    standard_deviation: float | None
    low: float | None
    high: float | None
    word: Word
    more_seeds: int | None

    @property
    def written_mean(self) -> float:
        """The difference of the two rewards as texts show them, which `mean` may miss by a digit; needs one pair."""
        return written_difference(self.reward or 0.0, self.baseline_reward or 0.0)


class CostRatios(NamedTuple):
    """The costs of an architecture over those of the baseline; `latency` is None where either was not measured."""

    params: float
    latency: float | None


Costs = Mapping[int, CostRatios]
"""Cost ratios by trial."""


def compare(rewards: Rewards, finalists: Sequence[int], baseline: int) -> tuple[Comparison, ...]:
    """Each finalist against the baseline."""
    return tuple(_compared(rewards, trial, baseline, len(finalists)) for trial in finalists)


def confirmed(comparisons: Sequence[Comparison]) -> int | None:
    """The finalist with the highest mean among those that are better than the baseline; None if none is."""
    better = [each for each in comparisons if each.word == "better"]
    return highest(better).trial if better else None


def ranked_first(comparisons: Sequence[Comparison], baseline: int, rule: int = LATEST) -> int | None:
    """The trial that finals rank first: the confirmed winner; without one the finalist with the highest mean where that
    is above 0, and else the baseline. None where no finalist has a seed in common with the baseline.

    By an earlier `rule` (`nas_controller.search.finals_rules`), only a finalist that is worse comes after the baseline.
    """
    measured = [each for each in comparisons if each.mean is not None]
    if not measured:
        return None
    winner, best = confirmed(measured), highest(measured)
    if winner is not None:
        return winner
    is_behind = best.word == "worse" if rule == FIRST else _mean(best) <= 0
    return baseline if is_behind else best.trial


def sentence(comparisons: Sequence[Comparison], costs: Costs) -> str:
    """What the finals of a campaign have shown, in one sentence."""
    winner = confirmed(comparisons)
    if not comparisons:
        return "There was no finalist to compare with the baseline."
    if winner is not None:
        (found,) = (each for each in comparisons if each.trial == winner)
        return f"Trial {winner} is better than the uniform baseline: {_measured(found, costs)}."
    shown = highest(comparisons)
    if shown.mean is None:
        return "No finalist is confirmed: none has a seed in common with the baseline."
    more = "" if not shown.more_seeds else f"; about {counted(shown.more_seeds, 'more seed')} would decide"
    if shown.mean <= 0:
        of_best = f"of the best, trial {shown.trial}, {_measured(shown, costs)}"
        return f"The uniform baseline ranks first, and no finalist is better: {of_best}{more}."
    unconfirmed = f"Trial {shown.trial} ranks first, but is not confirmed to be better than the uniform baseline"
    return f"{unconfirmed}: {_measured(shown, costs)}{more}."


def _measured(found: Comparison, costs: Costs) -> str:
    """The difference, and the costs: `-0.001 AP, ..., 5 seeds, equal within ±0.012 with 20 % fewer parameters`."""
    ratios = costs.get(found.trial)
    text = "" if ratios is None else cost_text(ratios)
    if ratios is None or not text:
        return difference_text(found)
    is_cheaper = min(ratios.params, 1.0 if ratios.latency is None else ratios.latency) < 1.0
    if found.word != "undecided" or found.low is None or found.high is None or not is_cheaper:
        return f"{difference_text(found)}, with {text}"
    return f"{difference_text(found)}, equal within ±{max(abs(found.low), abs(found.high)):.3f} with {text}"


def cost_text(ratios: CostRatios) -> str:
    """`20 % fewer parameters and 3 % more latency`, without what rounds to no change."""
    parts = [_change(ratios.params, "fewer", "parameters")]
    if ratios.latency is not None:
        parts.append(_change(ratios.latency, "less", "latency"))
    return " and ".join(part for part in parts if part)


def _change(ratio: float, less: str, what: str) -> str:
    percent = round(100 * abs(ratio - 1))
    return f"{percent} % {less if ratio < 1 else 'more'} {what}" if percent else ""


def _mean(found: Comparison) -> float:
    return -math.inf if found.mean is None else found.mean


def highest(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison with the highest mean, of equal ones that of the first trial."""
    return max(comparisons, key=lambda each: (_mean(each), -each.trial))


def _compared(rewards: Rewards, trial: int, baseline: int, finalists: int) -> Comparison:
    seeds = sorted(seed for number, seed in rewards if number == trial and (baseline, seed) in rewards)
    differences = [rewards[trial, seed] - rewards[baseline, seed] for seed in seeds]
    pairs = len(differences)
    own, other = (fmean(rewards[number, seed] for seed in seeds) if seeds else None for number in (trial, baseline))
    if pairs < 2:
        mean = differences[0] if differences else None
        return Comparison(trial, pairs, own, other, mean, None, None, None, "undecided", None)
    mean, deviation = fmean(differences), stdev(differences)
    half = _half_width(deviation, pairs, finalists)
    word: Word = "better" if mean - half > 0 else "worse" if mean + half < 0 else "undecided"
    more = 0 if word != "undecided" else _more_seeds(mean, deviation, pairs, finalists)
    return Comparison(trial, pairs, own, other, mean, deviation, mean - half, mean + half, word, more)


def _half_width(deviation: float, pairs: int, finalists: int) -> float:
    """Half the width of the interval of one of several finalists."""
    from scipy.special import stdtrit  # slow to import, and only finals need it

    return float(stdtrit(pairs - 1, 1 - (1 - CONFIDENCE) / (2 * finalists))) * deviation / math.sqrt(pairs)


def _more_seeds(mean: float, deviation: float, pairs: int, finalists: int) -> int | None:
    """How many more pairs make the interval narrower than the mean, by bisection, since it narrows with each."""
    if mean == 0.0 or _half_width(deviation, MAX_SEEDS, finalists) >= abs(mean):
        return None
    low, high = pairs, MAX_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _half_width(deviation, middle, finalists) < abs(mean) else (middle, high)
    return high - pairs


def difference_text(found: Comparison) -> str:
    """The measured difference, which needs one pair: `+0.021 AP, 95 % interval +0.009 to +0.033, 5 seeds`."""
    interval = "" if found.low is None else f"95 % interval {found.low:+z.3f} to {found.high:+z.3f}, "
    return f"{found.written_mean:+z.3f} AP, {interval}{counted(found.pairs, 'seed')}"
