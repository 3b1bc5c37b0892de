"""The dashboard's pages: templates that scripts fill from the API."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel

from api.http.authentication import Caller
from api.http.dependencies import CampaignId, ServiceSettings, ServiceStore, TrainingId
from api.http.module_graph import imported_modules
from api.http.routes.datasets import DatasetName, dataset_document
from api.service_url import DEFAULT_URL
from nas_controller.campaigns.policy_history import MAX_REPLAYED
from nas_controller.drawings.comparison import MAX_COMPARED, MIN_COMPARED
from nas_controller.drawings.sheet import MAX_WIDTH, MIN_WIDTH
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.finals_spec import FinalsSpec
from nas_controller.states import (
    CAMPAIGN_STATES,
    CAMPAIGN_TRANSITIONS,
    DELETABLE_CAMPAIGN_STATES,
    FINISHED_CAMPAIGN_STATES,
    FINISHED_TRAINING_STATES,
    TRAINING_TRANSITIONS,
    TRIAL_STATES,
)
from nas_controller.store.transitions import CLAIMABLE_STATES, allowed_states, changed_states
from nas_controller.titles import ERROR_TITLES, STOP_REASON_TITLES
from search_space.datasets import dataset_dir, in_data_dir
from search_space.display import displayed_line

router = APIRouter(include_in_schema=False)

TrialNumber = Annotated[int, PathParameter(ge=0)]

DASHBOARD_DIR = Path(__file__).parents[2] / "dashboard"
STATIC_DIR = DASHBOARD_DIR / "static"

STATE_SETS: dict[str, tuple[str, ...]] = {
    "finished": FINISHED_CAMPAIGN_STATES,
    "claimable": CLAIMABLE_STATES,
    "changeable": allowed_states(CAMPAIGN_TRANSITIONS, "update"),
    "startable": changed_states(CAMPAIGN_TRANSITIONS, "start"),
    "pausable": changed_states(CAMPAIGN_TRANSITIONS, "pause"),
    "resumable": changed_states(CAMPAIGN_TRANSITIONS, "resume"),
    "retryable": changed_states(CAMPAIGN_TRANSITIONS, "retry"),
    "continuable": changed_states(CAMPAIGN_TRANSITIONS, "continue"),
    "finals": changed_states(CAMPAIGN_TRANSITIONS, "finals"),
    "stoppable": changed_states(CAMPAIGN_TRANSITIONS, "stop"),
    "deletable": DELETABLE_CAMPAIGN_STATES,
    "trainings_finished": FINISHED_TRAINING_STATES,
    "trainings_stoppable": changed_states(TRAINING_TRANSITIONS, "stop"),
    "trainings_resumable": changed_states(TRAINING_TRANSITIONS, "resume"),
}
"""The sets of states of campaigns and trainings that the scripts read from attributes of the page's body."""

PAGE_TITLES: dict[str, Mapping[str, str]] = {
    "error": ERROR_TITLES,
    "stop_reason": STOP_REASON_TITLES,
    "field": {name: field.title or name for name, field in CampaignSpec.model_fields.items()},
}
"""The words for identifiers, which the scripts read from there too."""


def _limits(model: type[BaseModel], *names: str) -> dict[str, dict[str, int]]:
    """The smallest, largest and default value of whole-number fields, from the schema of their model."""
    fields = model.model_json_schema()["properties"]
    wanted = {"min": "minimum", "max": "maximum", "value": "default"}
    return {name: {short: fields[name][key] for short, key in wanted.items()} for name in names}


CHANGEABLE_LIMITS = _limits(CampaignSpec, "trials", "parallelism") | _limits(FinalsSpec, "top", "seeds")
"""The limits of the fields in the dialogs of a campaign's page."""


def _links(request: Request) -> dict[str, str]:
    """The prefixes of the links on every page: the path prefix of the service, and that of its files."""
    root: str = request.app.state.settings.root_path
    return {"root": root, "static": f"{root}/static"}


templates = Jinja2Templates(directory=DASHBOARD_DIR / "templates", context_processors=[_links])
templates.env.filters["displayed"] = lambda value: displayed_line(str(value))
templates.env.globals.update(
    version=version("effspine"),
    state_sets=STATE_SETS,
    page_titles=PAGE_TITLES,
    figure_widths=(MIN_WIDTH, MAX_WIDTH),
    imported_modules=lambda entry: imported_modules(STATIC_DIR, entry),
)


def _dataset_commands(data_dir: Path) -> tuple[str, str]:
    """The commands that register a data set of a service, and that make one."""
    digits = shlex.quote(str(dataset_dir(data_dir, "digits")))
    return in_data_dir(data_dir, "effspine data register NAME DIRECTORY"), f"effspine data make-digits {digits}"


def _origin(request: Request) -> str:
    """The address of the service as the browser knows it, without a slash at its end."""
    root: str = request.app.state.settings.root_path
    return str(request.base_url).rstrip("/") + root


@router.get("/")
def campaigns(request: Request, settings: ServiceSettings) -> HTMLResponse:
    """The list of campaigns."""
    caller: Caller = request.state.caller
    context = {
        "current_page": "campaigns",
        "origin": _origin(request),
        "data_dir": settings.data_dir,
        "digits_command": _dataset_commands(settings.data_dir)[1],
        "may_operate": caller.allows("operate"),
        "caller": caller,
        "states": CAMPAIGN_STATES,
        "most_compared": MAX_COMPARED,
    }
    return templates.TemplateResponse(request, "campaigns.html", context)


@router.get("/campaigns/new")
def new_campaign(
    request: Request,
    store: ServiceStore,
    settings: ServiceSettings,
    original: Annotated[str | None, Query(alias="from", max_length=64)] = None,
) -> HTMLResponse:
    """The form of a new campaign; with `from` it is a copy of that one."""
    if original is not None:
        store.reads.get_campaign(original)
    caller: Caller = request.state.caller
    context = {
        "current_page": "new-campaign",
        "original": original,
        "origin": _origin(request),
        "default_url": DEFAULT_URL,
        "dataset_commands": "\n".join(_dataset_commands(settings.data_dir)),
        "may_operate": caller.allows("operate"),
        "needs_key": caller.key_id is not None,
    }
    return templates.TemplateResponse(request, "new-campaign.html", context)


@router.get("/campaigns/{campaign_id}")
def campaign(campaign_id: CampaignId, request: Request, store: ServiceStore) -> HTMLResponse:
    """One campaign, updated live."""
    store.reads.get_campaign(campaign_id)
    caller: Caller = request.state.caller
    context = {
        "campaign_id": campaign_id,
        "may_operate": caller.allows("operate"),
        "trial_states": TRIAL_STATES,
        "limits": json.dumps(CHANGEABLE_LIMITS),
        "most_replayed": MAX_REPLAYED,
    }
    return templates.TemplateResponse(request, "campaign.html", context)


@router.get("/compare")
def compare(request: Request) -> HTMLResponse:
    """Several campaigns or trials, side by side."""
    context = {"least": MIN_COMPARED, "most": MAX_COMPARED}
    return templates.TemplateResponse(request, "compare.html", context)


@router.get("/campaigns/{campaign_id}/trials/{number}")
def trial(campaign_id: CampaignId, number: TrialNumber, request: Request, store: ServiceStore) -> HTMLResponse:
    """One trial, updated while it runs."""
    store.reads.get_trial_record(campaign_id, number)
    caller: Caller = request.state.caller
    context = {"campaign_id": campaign_id, "number": number, "may_operate": caller.allows("operate")}
    return templates.TemplateResponse(request, "trial.html", context)


@router.get("/trainings")
def trainings(request: Request) -> HTMLResponse:
    """The list of trainings."""
    caller: Caller = request.state.caller
    context = {
        "caller": caller,
        "may_operate": caller.allows("operate"),
        "origin": _origin(request),
        "current_page": "trainings",
    }
    return templates.TemplateResponse(request, "trainings.html", context)


@router.get("/trainings/{training_id}")
def training(training_id: TrainingId, request: Request, store: ServiceStore) -> HTMLResponse:
    """One training, updated live."""
    store.reads.get_training(training_id)
    caller: Caller = request.state.caller
    context = {"training_id": training_id, "may_operate": caller.allows("operate"), "current_page": "trainings"}
    return templates.TemplateResponse(request, "training.html", context)


@router.get("/datasets/{name}")
def dataset(name: DatasetName, request: Request, settings: ServiceSettings) -> HTMLResponse:
    """One data set: what it holds, what is unusual about it, and a picture."""
    context = {"dataset": dataset_document(settings.data_dir, name).name}
    return templates.TemplateResponse(request, "dataset.html", context)
