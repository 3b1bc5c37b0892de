"""What the rows of `make results` say: the verdict, the goals, the cost and the facts that its page quotes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from nas_controller.proxy_check.study import UNIFORM
from nas_controller.search.finals_verdict import Comparison, difference_text
from nas_controller.states import BASELINE_TRIAL
from search_space.display import counted
from tools.studies.comparisons import by_seed, difference, mean_ap
from tools.studies.finals import PUBLISHED
from tools.studies.rows import Finalist, Rows, Trial

REINFORCE, RANDOM = "reinforce", "random"
"""The names of the two searches."""
DATASET = "digits"
"""The data set of the searches, and the name of the finals' draw of it in the rows."""
WINNER = "winner of the search"
SAVER = "best of the search with fewer parameters"
BEST_OF_RANDOM = "best of random search"
FEWER_PARAMS = 0.18
"""The share of parameters that an equal architecture must save: the published winner did."""
MOST_OF_THE_COST = 0.1
"""The goal: a search costs at most this share of the same number of trainings alone."""
WINDOWS = 50
"""A search is smoothed over one of so many parts of its trials."""

Word = Literal["better", "fewer parameters", "worse", "undecided"]


class Line(NamedTuple):
    """A finalist in the table: its mean AP, its difference to the uniform baseline, and its cost over that one's."""

    finalist: Finalist
    ap: float
    seeds: int
    difference: Comparison
    params_ratio: float
    madds_ratio: float


class Cost(NamedTuple):
    """Seconds of one processor of the search, and of the same number of trainings alone; `ratio` is None without."""

    shared: float
    scoring: float
    of_a_training: float
    alone: float

    @property
    def ratio(self) -> float | None:
        """The cost of the search over the cost of the trainings."""
        return (self.shared + self.scoring) / self.alone if self.alone else None


class Verdict(NamedTuple):
    """The verdict in a word and in a sentence."""

    word: Word
    sentence: str


def lines(rows: Rows) -> dict[str, Line]:
    """The finalists by label, in their order."""
    (uniform,) = (finalist for finalist in rows.finalists if finalist.label == UNIFORM)
    baseline = by_seed(rows.finals, UNIFORM, DATASET)
    found = {}
    for finalist in rows.finalists:
        measured = by_seed(rows.finals, finalist.label, DATASET)
        found[finalist.label] = Line(
            finalist,
            mean_ap(rows.finals, finalist.label, DATASET),
            len(measured),
            difference(measured, baseline),
            finalist.params / uniform.params,
            finalist.madds / uniform.madds,
        )
    return found


def verdict(rows: Rows) -> Verdict:
    """Whether the search has found a better architecture, or an equal one with fewer parameters."""
    found = lines(rows)
    winner = found[WINNER]
    measured, word = difference_text(winner.difference), winner.difference.word
    if word == "better":
        saved = params_text(winner.params_ratio)
        return Verdict(word, f"The winner of the search is better than the uniform baseline: {measured}, {saved}.")
    savers = [found[label] for label in (WINNER, SAVER) if label in found and _is_equal_with_fewer(found[label])]
    if savers:
        saver = savers[0]
        saved = params_text(saver.params_ratio)
        doubt = "The search has found no architecture that is significantly better than the uniform baseline"
        doubt += f" (its winner: {measured})"
        if saver is winner:
            sentence = f"{doubt}, but its winner has equal AP within the interval {saved}."
        else:
            closest = difference_text(saver.difference)
            sentence = f"{doubt}, but one that has equal AP within the interval {saved} ({closest})."
        return Verdict("fewer parameters", " ".join([sentence, *_others_with_fewer(found)]))
    if word == "worse":
        return Verdict(word, f"The winner of the search is worse than the uniform baseline: {measured}.")
    more = winner.difference.more_seeds
    advice = f"; about {counted(more, 'more seed')} would decide" if more else ""
    return Verdict(
        word, f"The winner of the search is not significantly better than the uniform baseline: {measured}{advice}."
    )


def _others_with_fewer(found: Mapping[str, Line]) -> list[str]:
    """The sentence that others, which no search by the controller found, save as much; none where they do not."""
    others = [label for label in (BEST_OF_RANDOM, PUBLISHED) if label in found and _is_equal_with_fewer(found[label])]
    if not others:
        return []
    measured = [
        f"{'the ' if label == BEST_OF_RANDOM else ''}{label} is as good within its interval "
        f"{params_text(found[label].params_ratio)} ({difference_text(found[label].difference)})"
        for label in others
    ]
    return [f"That alone is no evidence for the search: {', and '.join(measured)}."]


def _is_equal_with_fewer(line: Line) -> bool:
    return line.params_ratio <= 1 - FEWER_PARAMS and line.difference.word != "worse"


def params_text(ratio: float) -> str:
    """`with 23 % fewer parameters`."""
    percent = round(100 * abs(ratio - 1))
    return f"with {percent} % {'fewer' if ratio <= 1 else 'more'} parameters"


def cost(rows: Rows, scored_by: str = REINFORCE) -> Cost:
    """The cost of a search, and of its trials if each were a training alone.

    The shared training is timed in the search by the controller, the scoring in the search `scored_by`; it is the same
    work in both.
    """
    searches = {search.name: search for search in rows.searches}
    of_a_training = fmean(final.seconds for final in rows.finals)
    search = searches[scored_by]
    return Cost(searches[REINFORCE].shared_seconds, search.trial_seconds, of_a_training, of_a_training * search.trials)


def baseline_of(trials: Sequence[Trial]) -> Trial:
    """The uniform baseline, as a trial of the first search."""
    return next(trial for trial in trials if trial.number == BASELINE_TRIAL)


def sampled(trials: Sequence[Trial], search: str) -> list[Trial]:
    """The trials of a search without the baseline, in their order."""
    return [trial for trial in trials if trial.search == search and trial.number != BASELINE_TRIAL]


def window_trials(trials: Sequence[Trial]) -> int:
    """The number of consecutive trials that a mean of a search is taken over."""
    return max(1, len(trials) // WINDOWS)


def smoothed(trials: Sequence[Trial]) -> tuple[list[int], list[float], list[float]]:
    """Numbers of trials at the end of windows, the mean AP in each window, and the highest AP up to there.

    All windows have `window_trials`; the last one ends with the last trial and may overlap the one before.
    """
    width = window_trials(trials)
    ends = list(range(width, len(trials) + 1, width))
    if ends and ends[-1] < len(trials):
        ends.append(len(trials))
    means = [fmean(trial.ap for trial in trials[end - width : end]) for end in ends]
    highest = [max(trial.ap for trial in trials[:end]) for end in ends]
    return [trials[end - 1].number for end in ends], means, highest
