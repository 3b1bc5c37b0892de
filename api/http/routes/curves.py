"""The learning curve of one trial, and the curves of a training, as SVG and as PDF."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.http.conditional_get import IfTrainingModified, IfTrialsModified
from api.http.dependencies import CampaignId, ServiceSettings, ServiceStore, TrainingId
from api.http.pdf_responses import PDF_FILE, PdfWidth, pdf_response
from api.http.pdf_responses import WIDTH as PDF_WIDTH
from api.http.routes.drawings import DRAWN, Style, Width, sheet, svg_response
from api.settings import Settings
from nas_controller.drawings.curves import training_curve, trial_curve
from nas_controller.drawings.sheet import WIDTH, Sheet
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import Store, TrainingRecord
from nas_controller.trainings.files import history_rows

router = APIRouter()

OF_TRIAL = "/v1/campaigns/{campaign_id}/trials/{number}/figures/curve"
OF_TRAINING = "/v1/trainings/{training_id}/figures/curve"
Number = Annotated[int, Path(ge=0, description="Number of the trial.")]


@router.get(
    f"{OF_TRIAL}.svg",
    dependencies=[IfTrialsModified],
    response_class=Response,
    responses=DRAWN,
    summary="Draw the learning curve of a trial",
    tags=["trials"],
)
def trial_svg(
    request: Request,
    campaign_id: CampaignId,
    number: Number,
    store: ServiceStore,
    style: Style = None,
    width: Width = WIDTH,
) -> Response:
    """Loss and AP by step of each attempt at the trial, beside the baseline's, as SVG. 404 before the first report."""
    subject = _trial(store, campaign_id, number)
    draw = partial(_trial_curve, store, campaign_id, number, sheet(subject, style, width))
    return svg_response(request, f"{subject} curve", draw)


@router.get(
    f"{OF_TRIAL}.pdf",
    dependencies=[IfTrialsModified],
    response_class=Response,
    responses=PDF_FILE,
    summary="Read the learning curve of a trial as PDF",
    tags=["trials"],
)
def trial_pdf(campaign_id: CampaignId, number: Number, store: ServiceStore, width: PdfWidth = PDF_WIDTH) -> Response:
    """The drawing of `curve.svg` as one page of its own size."""
    subject = _trial(store, campaign_id, number)
    return pdf_response(_trial_curve(store, campaign_id, number, sheet(subject, None, width)), subject, "curve")


def _trial(store: Store, campaign_id: str, number: int) -> str:
    """What the figure is of. Raises NotFoundError."""
    store.reads.get_trial_record(campaign_id, number)
    return f"{store.reads.get_campaign(campaign_id).name}, trial {number}"


def _trial_curve(store: Store, campaign_id: str, number: int, wanted: Sheet) -> str:
    own = store.reads.get_trial(campaign_id, number).curve
    baseline = () if number == BASELINE_TRIAL else store.reads.get_trial(campaign_id, BASELINE_TRIAL).curve
    return trial_curve(number, own, baseline, wanted)


@router.get(
    f"{OF_TRAINING}.svg",
    dependencies=[IfTrainingModified],
    response_class=Response,
    responses=DRAWN,
    summary="Draw the curves of a training",
    tags=["trainings"],
)
def training_svg(
    request: Request,
    training_id: TrainingId,
    store: ServiceStore,
    settings: ServiceSettings,
    style: Style = None,
    width: Width = WIDTH,
) -> Response:
    """The main metric of each evaluation and the losses by step, as SVG. 404 before the first logged step."""
    training = store.reads.get_training(training_id)
    draw = partial(_training_curve, settings, training, sheet(training.name, style, width))
    return svg_response(request, f"{training.name} curve", draw)


@router.get(
    f"{OF_TRAINING}.pdf",
    dependencies=[IfTrainingModified],
    response_class=Response,
    responses=PDF_FILE,
    summary="Read the curves of a training as PDF",
    tags=["trainings"],
)
def training_pdf(
    training_id: TrainingId, store: ServiceStore, settings: ServiceSettings, width: PdfWidth = PDF_WIDTH
) -> Response:
    """The drawing of `curve.svg` as one page of its own size."""
    training = store.reads.get_training(training_id)
    return pdf_response(_training_curve(settings, training, sheet(training.name, None, width)), training.name, "curve")


def _training_curve(settings: Settings, training: TrainingRecord, wanted: Sheet) -> str:
    metric = "ap" if training.progress is None else training.progress.metric
    return training_curve(history_rows(settings.data_dir, training.id), metric, wanted)
