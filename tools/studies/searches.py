"""The searches of a study, as campaigns of a service of its own, whose record says what is left of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.campaign.status import status_line
from api.cli.child_service import ChildService
from api.cli.demo import has_spec, make_dataset
from api.cli.serve import settings_of
from api.client import Client, ServiceRefusedError
from api.documents import CampaignDocument
from api.loopback import DEFAULT_HOST, free_port
from api.settings import DATABASE_FILE
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from nas_controller.store.database_url import sqlite_url
from search_space.errors import EffspineError
from search_space.terminal import print_text
from tools.studies.plan import Plan
from tools.studies.rows import Search, Trial

PROCESSORS_OF_A_TRIAL = 1
POLL_SECONDS = 1.0
SHOW_SECONDS = 30.0


@dataclass(frozen=True)
class SearchPlan:
    """A search: its name in the rows, its algorithm, its data set and what the page calls this, and its seed."""

    name: str
    algorithm: str
    dataset: str
    dataset_text: str
    seed: int

    def specification(self, plan: Plan) -> dict[str, Any]:
        """The campaign of the search."""
        return {
            "name": self.name,
            "dataset": None if plan.is_synthetic else self.dataset,
            "trials": plan.trials,
            "parallelism": plan.parallelism,
            "seed": self.seed,
            "controller": {"algorithm": self.algorithm},
            "proxy_task": plan.task_document,
            "resources": {"cpus": PROCESSORS_OF_A_TRIAL},
        }


class Service:
    """A running service and its client."""

    def __init__(self, child: ChildService, client: Client) -> None:
        self._child = child
        self._client = client

    def make_dataset(self, name: str, options: tuple[str, ...] = ()) -> None:
        """Makes a digits data set unless it exists; `options` are options of `effspine data make-digits`."""
        make_dataset(self._child.settings, name, options)

    def search(self, search: SearchPlan, plan: Plan) -> tuple[Search, tuple[Trial, ...]]:
        """Runs a search, or what is left of it, and returns its rows.

        Raises EffspineError for one that was stopped or fails, and where the directory has one with other settings.
        """
        campaign = self._begun(search.specification(plan))
        print_text(f"search {search.name}: campaign {campaign.id}")
        ended = self._followed(campaign)
        if ended.state != "completed":
            raise EffspineError(
                f"the campaign {ended.id} of the search {search.name} has {ended.state}: {ended.error or 'on request'}"
            )
        return _search_row(search, ended), tuple(self._trials(search, ended))

    def _begun(self, spec: dict[str, Any]) -> CampaignDocument:
        found = next((each for each in self._client.campaigns(archived="any") if each.name == spec["name"]), None)
        if found is None:
            return self._client.create_campaign(spec)
        if not has_spec(found, spec):
            raise EffspineError(
                f"{self._child.settings.data_dir} has a search {spec['name']} with other settings; give another --dir"
            )
        if found.state == "failed":
            return self._client.retry_campaign(found.id)
        return self._client.resume_campaign(found.id) if found.state in ("pausing", "paused") else found

    def _followed(self, campaign: CampaignDocument) -> CampaignDocument:
        """Waits for the end of a campaign, with a line now and then."""
        shown = -SHOW_SECONDS
        while True:
            self._child.check()
            try:
                campaign = self._client.campaign(campaign.id)
            except ServiceRefusedError as error:
                if error.status < 500:  # otherwise the database is busy
                    raise
            is_over = campaign.state in FINISHED_CAMPAIGN_STATES
            if is_over or time.monotonic() - shown >= SHOW_SECONDS:
                shown = time.monotonic()
                print_text(f"{campaign.name}: {status_line(campaign)}")
            if is_over:
                return campaign
            time.sleep(POLL_SECONDS)

    def _trials(self, search: SearchPlan, campaign: CampaignDocument) -> Iterator[Trial]:
        for trial in self._client.trials(campaign.id, state="completed"):
            if trial.reward is not None and trial.reused_from is None:
                yield Trial(search.name, trial.number, trial.reward, trial.params, trial.madds, trial.widths)


@contextmanager
def private_service(directory: Path) -> Iterator[Service]:
    """A service on a free port of this machine, with its data and its database in `directory`, until the block ends."""
    directory = directory.expanduser().absolute()
    settings = settings_of(
        data_dir=directory, database_url=sqlite_url(directory / DATABASE_FILE), host=DEFAULT_HOST, port=free_port()
    )
    with ChildService(settings) as child, Client(settings.url) as client:
        child.wait_until_ready(client)
        print_text(f"data directory: {directory}; dashboard: {settings.url}")
        yield Service(child, client)


def _search_row(search: SearchPlan, campaign: CampaignDocument) -> Search:
    """The row of a completed campaign. One worker with the processors of all trains the shared weights; a campaign of
    an earlier version has counted one device for it.
    """
    assert campaign.started_at is not None
    assert campaign.finished_at is not None
    training = campaign.shared_training
    seconds, devices = (0.0, None) if training is None else (training.seconds, training.devices)
    wall = (campaign.finished_at - campaign.started_at).total_seconds() - campaign.paused_seconds
    return Search(
        name=search.name,
        algorithm=search.algorithm,
        dataset=search.dataset_text,
        seed=search.seed,
        trials=campaign.trials_finished,
        shared_seconds=seconds * (devices or campaign.spec["parallelism"]) * PROCESSORS_OF_A_TRIAL,
        trial_seconds=(campaign.device_seconds - seconds * (devices or 1)) * PROCESSORS_OF_A_TRIAL,
        wall_seconds=wall,
    )
