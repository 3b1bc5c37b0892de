"""What creating a campaign would do: its specification, its duration, its budgets, and what may not be intended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nas_controller.campaigns.estimate import estimate
from nas_controller.entities import DryRunDocument, FeasibleMaddsDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from search_space.datasets import dataset_report
from search_space.space import SearchSpace


def dry_run(store: Store, spec: CampaignSpec, data_dir: Path) -> DryRunDocument:
    """What creating this campaign would do. Nothing is written. Raises StoreUnavailableError."""
    space = spec.search_space.build()
    least, most = space.feasible_madds()
    of_base = SearchSpace(space.base, mode="paper").budget_madds
    return DryRunDocument(
        spec=spec.model_dump(mode="json"),
        estimate=estimate(store, spec, data_dir),
        feasible_madds=FeasibleMaddsDocument(least=least, most=most, of_base=of_base),
        warnings=[*_of_name(store, spec), *_of_data(spec, data_dir), *_of_search(spec), *_of_service(store)],
    )


def _of_name(store: Store, spec: CampaignSpec) -> Iterator[str]:
    for campaign_id in store.reads.campaigns_named(spec.name, limit=1):
        yield f"The name {spec.name!r} is taken: campaign {campaign_id} has it."


def _of_data(spec: CampaignSpec, data_dir: Path) -> Iterator[str]:
    if spec.dataset is None:
        return
    report = dataset_report(data_dir, spec.dataset)
    if report is None:
        yield f"Data set {spec.dataset!r} has not been checked; `effspine data register` checks it."
    elif warnings := report.get("warnings"):
        yield f"Data set {spec.dataset!r} has {len(warnings)} kinds of warnings; its page lists them."


def _of_search(spec: CampaignSpec) -> Iterator[str]:
    """Searches that end before they learn, and finals with fewer candidates than they ask for."""
    settings, candidates = spec.controller, spec.trials - 1
    if settings.population is not None and settings.population >= candidates:
        yield (
            f"The search is random throughout: evolution begins after a population of {settings.population:,}, and "
            f"there are {candidates:,} trials besides the baseline."
        )
    if settings.initial is not None and settings.initial >= candidates:
        yield (
            f"The search is random throughout: local search begins after {settings.initial:,} random trials, and "
            f"there are {candidates:,} besides the baseline."
        )
    if settings.startup_trials is not None and settings.startup_trials >= candidates:
        yield (
            f"The search is random throughout: tpe begins after {settings.startup_trials:,} random trials, and "
            f"there are {candidates:,} besides the baseline."
        )
    if spec.finals is not None and spec.finals.top > candidates:
        yield f"The finals have {candidates:,} candidates, the trials besides the baseline, not {spec.finals.top}."


def _of_service(store: Store) -> Iterator[str]:
    if not any(supervisor.is_alive for supervisor in store.reads.list_supervisors()):
        yield "No supervisor is running, so the campaign would wait. Start one with `effspine supervisor`."
