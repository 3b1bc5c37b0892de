"""The dashboard's pages: templates that scripts fill from the API."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from api.http.authentication import Caller
from api.http.dependencies import CampaignId, ServiceSettings, ServiceStore, TrainingId
from api.http.routes.datasets import DatasetName, dataset_document
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.finals_spec import FinalsSpec
from nas_controller.states import (
    CAMPAIGN_TRANSITIONS,
    FINISHED_CAMPAIGN_STATES,
    FINISHED_TRAINING_STATES,
    TRAINING_TRANSITIONS,
    TRIAL_STATES,
)
from nas_controller.store.transitions import CLAIMABLE_STATES, allowed_states, changed_states
from search_space.display import displayed_line

router = APIRouter(include_in_schema=False)

DASHBOARD_DIR = Path(__file__).parents[2] / "dashboard"
STATIC_DIR = DASHBOARD_DIR / "static"
PLOTLY_VERSION = version("plotly")
PLOTLY_PATH = f"/assets/plotly-{PLOTLY_VERSION}.min.js"
ONE_YEAR = "public, max-age=31536000, immutable"

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
    "trainings_finished": FINISHED_TRAINING_STATES,
    "trainings_stoppable": changed_states(TRAINING_TRANSITIONS, "stop"),
    "trainings_resumable": changed_states(TRAINING_TRANSITIONS, "resume"),
}
"""The sets of states of campaigns and trainings that the scripts read from attributes of the page's body."""


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
    return {"root": root, "static": f"{root}/static", "plotly": f"{root}{PLOTLY_PATH}"}


templates = Jinja2Templates(directory=DASHBOARD_DIR / "templates", context_processors=[_links])
templates.env.filters["displayed"] = lambda value: displayed_line(str(value))
templates.env.globals.update(
    version=version("effspine"),
    state_sets=STATE_SETS,
)


@router.get("/")
def campaigns(request: Request, settings: ServiceSettings) -> HTMLResponse:
    """The list of campaigns."""
    origin = str(request.base_url).rstrip("/") + settings.root_path
    context = {"current_page": "campaigns", "origin": origin, "data_dir": settings.data_dir}
    return templates.TemplateResponse(request, "campaigns.html", context)


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
    }
    return templates.TemplateResponse(request, "campaign.html", context)


@router.get("/trainings")
def trainings(request: Request) -> HTMLResponse:
    """The list of trainings."""
    return templates.TemplateResponse(request, "trainings.html", {"current_page": "trainings"})


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


@router.get("/assets/plotly-{plotly_version}.min.js")
def plotly(plotly_version: str) -> FileResponse:
    """plotly.js from the plotly package; its URL contains the version, so browsers may cache it permanently."""
    if plotly_version != PLOTLY_VERSION:
        raise HTTPException(404)
    path = files("plotly") / "package_data" / "plotly.min.js"
    return FileResponse(str(path), media_type="text/javascript", headers={"Cache-Control": ONE_YEAR})
