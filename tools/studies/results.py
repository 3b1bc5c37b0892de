"""`make results`: 5,000 trials and as many of random search, finals with five seeds, the page `docs/results.md`.

make results                                                                 five and a half hours on two busy cores
make results ARGS="--trials 20 --seeds 2 --profile synthetic --out DIR"      the same without training, in minutes
"""

from __future__ import annotations

from pathlib import Path

from tools.studies.finals import FINALS_DATASET_OPTIONS, best_estimated, best_estimated_within, references, train_alone
from tools.studies.plan import Plan
from tools.studies.results_findings import BEST_OF_RANDOM, DATASET, FEWER_PARAMS, RANDOM, REINFORCE, SAVER, WINNER
from tools.studies.results_page import NAME, results_page
from tools.studies.results_plots import write_plots
from tools.studies.rows import Finalist, Rows, Search, Settings, Trial
from tools.studies.searches import SearchPlan, private_service
from tools.studies.study import Study, main

TRIALS = 5000


def measure(plan: Plan, settings: Settings) -> Rows:
    """Runs the searches and the finals, or what is left of them, and returns all rows."""
    searches: list[Search] = []
    found: dict[str, tuple[Trial, ...]] = {}
    finals_dataset = f"{DATASET}-finals"
    with private_service(plan.directory) as service:
        if not plan.is_synthetic:
            service.make_dataset(DATASET)
            service.make_dataset(finals_dataset, FINALS_DATASET_OPTIONS)
        for name in (REINFORCE, RANDOM):
            search, found[name] = service.search(SearchPlan(name, name, DATASET, DATASET, plan.seed), plan)
            searches.append(search)
    finalists = choose(found[REINFORCE], found[RANDOM])
    finals = train_alone(plan, finals_dataset, DATASET, finalists)
    return Rows(settings, tuple(searches), found[REINFORCE] + found[RANDOM], tuple(finalists), tuple(finals))


def choose(searched: tuple[Trial, ...], random: tuple[Trial, ...]) -> list[Finalist]:
    """The finalists: the references, the best by estimated value, and the best that saves enough parameters.

    Raises EffspineError where a search has found nothing.
    """
    uniform, published = references()
    winner, best_of_random = best_estimated(WINNER, searched), best_estimated(BEST_OF_RANDOM, random)
    saver = best_estimated_within(SAVER, searched, (1 - FEWER_PARAMS) * uniform.params)
    others = [] if saver is None or saver.number == winner.number else [saver]
    return [uniform, published, winner, *others, best_of_random]


def draw(rows: Rows, directory: Path) -> str:
    """Writes the figures into the directory and returns the page."""
    write_plots(rows, directory)
    return results_page(rows)


STUDY = Study(NAME, TRIALS, measure, draw)

if __name__ == "__main__":
    main(STUDY)
