"""The record that screenshots show: a real search of handwritten digits, and others that the list needs beside it.

The search is that of `effspine demo`, ten minutes on two cores, and is kept in the directory for the next time. Beside
it are sample detections of the trial that its figures show, a short training of it, and filled campaigns in other
states, whose rewards are synthetic and whose rows say so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import httpx

from api.cli.campaign.exports import wait_for_export
from api.cli.campaign.progress import follow
from api.cli.child_service import ChildService
from api.cli.demo import DATASET, NAME, PROFILE, TRIALS, begin, make_dataset, specification
from api.client import Client
from api.documents import CampaignDocument, ExportDocument, TrainingDocument
from api.settings import Settings
from nas_controller.benchmarks.filled_campaign import TRIAL_SECONDS, Plan, filled_campaign
from nas_controller.states import FINISHED_TRAINING_STATES, CampaignState
from nas_controller.store.bulk_insert import BulkInsert
from nas_controller.store.database import Database
from search_space.datasets import preview_file
from search_space.errors import EffspineError

SEED = 1
LOWEST_SCORE = 0.3
TRAINING = {
    "name": "best of demo",
    "recipe": "laptop-final",
    "overrides": {"epochs": 6, "evaluate_epochs": 1},
    "seed": 1,
}
POLL_SECONDS = 1.0
PARALLELISM = 4


class Record(NamedTuple):
    """What there is to show: the search, its training, the time at which it is looked at, and other campaigns.

    `others` are the ids of the filled campaigns by name.
    """

    campaign: CampaignDocument
    best: int
    training: TrainingDocument
    now: datetime
    others: Mapping[str, str]


class _Other(NamedTuple):
    name: str
    state: CampaignState
    begun: int
    trials: int
    ended_minutes_ago: int


_OTHERS = (
    _Other("narrow first levels", "completed", 320, 320, 600),
    _Other("half the budget", "failed", 90, 400, 300),
    _Other("recurrent, seed 2", "paused", 150, 400, 200),
    _Other("more trials", "running", 260, 800, 0),
    _Other("at 512 px", "draft", 0, 400, 10),
)


def made_record(service: ChildService, client: Client) -> Record:
    """The record of the service, which makes what there is not yet. Raises EffspineError where something fails."""
    settings = service.settings
    make_dataset(settings)
    if not preview_file(settings.data_dir, DATASET).is_file():
        _register(settings)
    campaign = _searched(client)
    assert campaign.finished_at is not None
    compared = client.best(campaign.id).compared
    assert compared is not None
    best = compared.number
    wait_for_export(client, _detections(settings, campaign, best))
    training = _trained(client, campaign, best)
    now = campaign.finished_at + timedelta(minutes=1)
    if _OTHERS[0].name not in _others(client):
        _insert_others(settings.database_url, now)
    return Record(campaign, best, training, now, _others(client))


def _others(client: Client) -> dict[str, str]:
    names = [other.name for other in _OTHERS]
    return {each.name: each.id for each in client.campaigns(archived="any") if each.name in names}


def _register(settings: Settings) -> None:
    directory = settings.data_dir / "datasets" / DATASET
    command = [sys.executable, "-m", "api.cli.main", "data", "register", DATASET, str(directory)]
    environment = {**os.environ, "EFFSPINE_DATA_DIR": str(settings.data_dir)}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _searched(client: Client) -> CampaignDocument:
    """The search, which is run or resumed unless it has ended."""
    found = [each for each in client.campaigns(archived="any") if each.name == NAME and each.state == "completed"]
    if found:
        return client.campaign(found[0].id)
    campaign = follow(client, begin(client, specification(TRIALS, SEED, PROFILE), fresh=False))
    if campaign.state != "completed":
        raise EffspineError(f"the campaign {campaign.id} has {campaign.state}: {campaign.error or 'on request'}")
    return campaign


def _detections(settings: Settings, campaign: CampaignDocument, trial: int) -> ExportDocument:
    url = f"{settings.url}/v1/campaigns/{campaign.id}/trials/{trial}/detections"
    response = httpx.post(url, json={"lowest_score": LOWEST_SCORE}, trust_env=False)
    response.raise_for_status()
    return ExportDocument.model_validate(response.json())


def _trained(client: Client, campaign: CampaignDocument, trial: int) -> TrainingDocument:
    """The training of that trial, from the weights that its finals have given it."""
    wanted = {**TRAINING, "campaign_id": campaign.id, "trial": trial, "start": "finals"}
    found = [
        each
        for each in client.trainings(campaign_id=campaign.id)
        if (each.name, each.trial) == (TRAINING["name"], trial)
    ]
    training = found[0] if found else client.create_training(wanted)
    while training.state not in FINISHED_TRAINING_STATES:
        time.sleep(POLL_SECONDS)
        training = client.training(training.id)
    if training.state != "completed":
        raise EffspineError(f"the training {training.id} has {training.state}: {training.error or 'on request'}")
    return training


def _insert_others(database_url: str, now: datetime) -> None:
    """Writes the filled campaigns, whose times are before `now`."""
    database = Database(database_url)
    bulk_insert = BulkInsert(database)
    for seed, other in enumerate(_OTHERS, start=1):
        lasts = timedelta(seconds=other.begun * TRIAL_SECONDS / PARALLELISM)
        created = now - timedelta(minutes=other.ended_minutes_ago) - lasts
        policy = "recurrent" if "recurrent" in other.name else "factorised"
        plan = Plan(other.name, other.state, other.begun, other.trials, PARALLELISM, policy, seed, created)
        bulk_insert.insert_campaign(filled_campaign(plan))
    database.close()
