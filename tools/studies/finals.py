"""The finals of a study: which architectures are compared, and their trainings alone, by `effspine proxy-check`.

Their images are another draw of the data set, which no search has seen; no search has their seeds.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from api.cli.main import INTERRUPTED_STATUS, run
from nas_controller.proxy_check.commands import FAILED_STATUS
from nas_controller.proxy_check.results import Result, read
from nas_controller.proxy_check.study import UNIFORM
from nas_controller.search.estimated_values import Rewarded, estimate_values
from nas_controller.states import BASELINE_TRIAL
from search_space.architecture import Architecture
from search_space.data_dir import VARIABLE
from search_space.display import counted
from search_space.errors import EffspineError
from search_space.published import EFF_SPINENET_D0
from search_space.quadratic_cost import quadratic_cost
from search_space.space import SearchSpace
from tools.studies.plan import Plan
from tools.studies.rows import Final, Finalist, Trial

PUBLISHED = EFF_SPINENET_D0.name
"""The label of the published widths."""
FINALS_DATASET_OPTIONS = ("--seed", "1")
"""Of `effspine data make-digits`: other images, and other digits in the two splits, than in the searches."""


def references() -> tuple[Finalist, Finalist]:
    """The uniform baseline and the published widths."""
    space = SearchSpace()
    return _reference(UNIFORM, space.baseline.widths), _reference(PUBLISHED, EFF_SPINENET_D0.widths)


def _reference(label: str, widths: tuple[int, ...]) -> Finalist:
    counts = quadratic_cost(SearchSpace().base).counts(widths)
    return Finalist(label, None, None, None, counts.params, counts.madds, widths)


def best_estimated(label: str, trials: Sequence[Trial]) -> Finalist:
    """The trial of a search with the highest estimated value, by which a campaign chooses its finalists.

    Raises EffspineError where the search has only the baseline.
    """
    found = best_estimated_within(label, trials, math.inf)
    if found is None:
        raise EffspineError(f"there is no {label}: no trial but the baseline's has a reward")
    return found


def best_estimated_within(label: str, trials: Sequence[Trial], max_params: float) -> Finalist | None:
    """The same among the trials with at most `max_params` parameters; None where there is none."""
    (baseline,) = (trial for trial in trials if trial.number == BASELINE_TRIAL)
    sampled = {trial.number: trial for trial in trials if trial.number != BASELINE_TRIAL}
    rewarded = [Rewarded(trial.number, trial.widths, trial.ap) for trial in sampled.values()]
    values = estimate_values(rewarded, baseline.widths).values
    allowed = [trial for trial in sampled.values() if trial.params <= max_params]
    if not allowed:
        return None
    best = max(allowed, key=lambda trial: (values[trial.number], trial.ap, -trial.params, -trial.number))
    return Finalist(label, best.search, best.number, values[best.number], best.params, best.madds, best.widths)


def train_alone(plan: Plan, dataset: str, dataset_text: str, finalists: Sequence[Finalist]) -> list[Final]:
    """Trains every finalist alone on the data set `dataset` of the study's directory; existing results are kept.

    `dataset_text` is what the rows call it. Finalists of equal widths share their trainings. Raises EffspineError for a
    training without a reward.
    """
    directory = plan.directory.expanduser().absolute()
    widths_file, results_file = (directory / f"finals-{dataset}.{suffix}" for suffix in ("txt", "jsonl"))
    labels = {finalist.widths: finalist.label for finalist in reversed(finalists)}
    widths_file.write_text("".join(f"{','.join(map(str, widths))} {label}\n" for widths, label in labels.items()))
    data = [] if plan.is_synthetic else ["--data", str(directory / "datasets" / dataset)]
    arguments = ["proxy-check", "--profile", plan.finals_task.profile, *data]
    arguments += [part for pair in plan.finals_overrides for part in ("--set", pair)]
    arguments += ["--widths", str(widths_file), "--no-reference", "--out", str(results_file)]
    arguments += ["--seed", str(plan.first_finals_seed), "--seeds", str(plan.seeds)]
    arguments += ["--parallelism", str(plan.parallelism)]
    _run(arguments, directory, dataset_text)
    return _rows(plan, dataset_text, finalists, read(results_file).values(), results_file)


def _run(arguments: Sequence[str], directory: Path, dataset_text: str) -> None:
    """Runs a command of effspine in this process, so that it ends with it, without its report.

    Raises EffspineError, and KeyboardInterrupt where the command was interrupted.
    """
    os.environ[VARIABLE] = str(directory)
    with redirect_stdout(io.StringIO()):
        status = run(arguments)
    if status == INTERRUPTED_STATUS:
        raise KeyboardInterrupt
    if status not in (0, FAILED_STATUS):  # it has printed the reason; failed criteria are no error here
        raise EffspineError(f"the finals on {dataset_text} have ended with status {status}")


def _rows(
    plan: Plan, dataset: str, finalists: Sequence[Finalist], results: Iterable[Result], path: Path
) -> list[Final]:
    task = plan.finals_task.to_dict()
    found = {(each.widths, each.seed): each for each in results if dict(each.task) == task and each.reward is not None}
    seeds = range(plan.first_finals_seed, plan.first_finals_seed + plan.seeds)
    missing = sum((finalist.widths, seed) not in found for finalist in finalists for seed in seeds)
    if missing:
        raise EffspineError(f"{counted(missing, 'training')} of the finals have no reward in {path}; run it again")
    return [_row(dataset, finalist.label, found[finalist.widths, seed]) for seed in seeds for finalist in finalists]


def _row(dataset: str, label: str, result: Result) -> Final:
    assert result.reward is not None
    return Final(dataset, label, result.seed, result.reward, result.metrics.get("seconds", 0.0) * result.threads)


def architecture(finalist: Finalist) -> Architecture:
    """The finalist as an architecture of the search space's base."""
    return replace(SearchSpace().base, widths=finalist.widths)
