"""The statistics of a page: paired differences between finalists. Pure.

Two finalists are compared as in a campaign's finals with one finalist (`nas_controller/search/finals_verdict.py`), so
each is a separate 95 % interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from nas_controller.search.finals_verdict import Comparison, compare
from tools.studies.rows import Final

BySeed = Mapping[int, float]


def by_seed(finals: Sequence[Final], label: str, dataset: str) -> BySeed:
    """The AP of a finalist on a data set by seed."""
    return {final.seed: final.ap for final in finals if (final.label, final.dataset) == (label, dataset)}


def mean_ap(finals: Sequence[Final], label: str, dataset: str) -> float:
    """The mean AP of a finalist on a data set."""
    return fmean(by_seed(finals, label, dataset).values())


def difference(of: BySeed, minus: BySeed) -> Comparison:
    """The paired difference of two finalists."""
    rewards = {(0, seed): ap for seed, ap in minus.items()} | {(1, seed): ap for seed, ap in of.items()}
    (compared,) = compare(rewards, [1], 0)
    return compared


def paired_differences(of: BySeed, minus: BySeed) -> BySeed:
    """The difference of two finalists by seed."""
    return {seed: of[seed] - minus[seed] for seed in of if seed in minus}


def interval(compared: Comparison) -> str:
    """`+0.021 (+0.009 to +0.033)`, in a table; the mean is the difference of the two written AP, as in sentences."""
    if compared.mean is None:
        return "-"
    limits = "" if compared.low is None else f" ({compared.low:+z.3f} to {compared.high:+z.3f})"
    return f"{compared.written_mean:+z.3f}{limits}"
