"""`make object-sizes`: a search on small and one on large objects, and the page `docs/object-sizes.md`.

make object-sizes                                                              some three hours on two cores
make object-sizes ARGS="--trials 20 --seeds 2 --profile synthetic --out DIR"   the same without training, in minutes
"""

from __future__ import annotations

from pathlib import Path

from tools.studies.finals import FINALS_DATASET_OPTIONS, best_estimated, references, train_alone
from tools.studies.object_sizes_page import NAME, WINNERS, object_sizes_page
from tools.studies.plan import Plan
from tools.studies.rows import Final, Finalist, Rows, Search, Settings, Trial
from tools.studies.searches import SearchPlan, private_service
from tools.studies.sizes import LARGE, SMALL
from tools.studies.study import Study, main

TRIALS = 1000
ALGORITHM = "reinforce"


def measure(plan: Plan, settings: Settings) -> Rows:
    """Runs the searches and the finals, or what is left of them, and returns all rows."""
    searches: list[Search] = []
    trials: list[Trial] = []
    finalists: list[Finalist] = [*references()]
    finals: list[Final] = []
    sizes = {size: (size.name, f"{size.name}-finals") for size in (SMALL, LARGE)}
    with private_service(plan.directory) as service:
        for place, (size, (dataset, finals_dataset)) in enumerate(sizes.items()):
            if not plan.is_synthetic:
                service.make_dataset(dataset, size.options)
                service.make_dataset(finals_dataset, (*size.options, *FINALS_DATASET_OPTIONS))
            of_size = SearchPlan(f"{size.name} objects", ALGORITHM, dataset, size.name, plan.seed + place)
            search, found = service.search(of_size, plan)
            searches.append(search)
            trials += found
            finalists.append(best_estimated(WINNERS[size], found))
    for size, (_, finals_dataset) in sizes.items():
        finals += train_alone(plan, finals_dataset, size.name, finalists)
    return Rows(settings, tuple(searches), tuple(trials), tuple(finalists), tuple(finals))


def draw(rows: Rows, directory: Path) -> str:
    """The page, which has no figures."""
    return object_sizes_page(rows)


STUDY = Study(NAME, TRIALS, measure, draw)

if __name__ == "__main__":
    main(STUDY)
