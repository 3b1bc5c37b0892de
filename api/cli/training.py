"""`effspine training ...`: start, watch, stop and read the trainings of a running service."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.campaign.exports import write_export
from api.cli.campaign.files import read_specification
from api.cli.campaign.options import HERE, AsJson, OutDirectory, open_client
from api.cli.campaign.references import campaign_id
from api.cli.output import duration, last_line, note, print_json, print_table, print_text, three_digits
from nas_controller.states import TRAINING_STATES
from search_space.catalogue import TASKS
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import EventDocument, ExportDocument, TrainingDocument

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Train a network in the service: start, watch, stop and read."
)

TrainingId = Annotated[str, typer.Argument(metavar="ID", help="Id of the training.")]


@app.command()
def create(
    recipe: Annotated[str, typer.Option(metavar="NAME", help="Such as paper, paper-72 or laptop-final.")],
    architecture: Annotated[
        str | None,
        typer.Argument(
            metavar="[ARCHITECTURE]", help="A model of `effspine models`, 18 widths or a block specification file."
        ),
    ] = None,
    campaign: Annotated[str | None, typer.Option(metavar="CAMPAIGN", help="Train a trial of this campaign.")] = None,
    trial: Annotated[int | None, typer.Option(min=0, help="Number of the trial; default: the best one.")] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Data set of the service; default: that of the campaign.")
    ] = None,
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "detection",
    start: Annotated[
        str, typer.Option(help="fresh; finals or shared: weights of the trial; or the id of a completed training.")
    ] = "fresh",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Replace one field of the recipe.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights and batches.")] = 0,
    name: Annotated[str | None, typer.Option(help="Default: the architecture and the recipe.")] = None,
    cpus: Annotated[
        int | None, typer.Option(min=1, help="Processors; default: those of the machine, or one on a cluster.")
    ] = None,
    gpus: Annotated[
        float | None, typer.Option(min=0, help="GPUs; default: those of the machine, or one of a cluster that has any.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a trial of a campaign, or another architecture, with a recipe."""
    from search_space.proxy_task import parse_overrides

    given = {"trial": trial, "dataset": dataset, "name": name}
    specification: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    specification |= {"task": task, "recipe": recipe, "start": start, "seed": seed}
    if cpus is not None or gpus is not None:
        specification["resources"] = {"cpus": cpus, "gpus": gpus}
    specification["overrides"] = parse_overrides(overrides or [])
    if architecture is not None:
        specification["architecture"] = _architecture(architecture)
    with open_client() as client:
        if campaign is not None:
            specification["campaign_id"] = campaign_id(client, campaign)
        training = client.create_training(specification)
        if as_json:
            print_json(training.model_dump(mode="json"))
            return
        print_text(f"training {training.id} is {training.state}: {training.name}")
        note(f"watch it with `effspine training watch {training.id}` or at {client.url}/trainings/{training.id}")


@app.command("list")
def list_trainings(
    state: Annotated[
        str | None, typer.Option(help=f"Only trainings in this state: {', '.join(TRAINING_STATES)}.")
    ] = None,
    campaign: Annotated[str | None, typer.Option(metavar="CAMPAIGN", help="Only those of its trials.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List trainings, newest first."""
    with open_client() as client:
        of = None if campaign is None else campaign_id(client, campaign)
        trainings = list(islice(client.trainings(state=state, campaign_id=of), limit))
    if as_json:
        print_json([training.model_dump(mode="json") for training in trainings])
    elif trainings:
        rows = [
            (each.id, each.name, each.state, _steps(each), _best(each), f"{each.created_at:%Y-%m-%d %H:%M}")
            for each in trainings
        ]
        print_table(
            ("id", "name", "state", "steps", "best", "created"),
            rows,
            left=("id", "name", "state"),
            drop=("created", "best", "steps"),
            cut=("name",),
        )
    else:
        note("there is no training; start one with `effspine training create`")


@app.command()
def show(training_id: TrainingId, as_json: AsJson = False) -> None:
    """Show one training."""
    with open_client() as client:
        training = client.training(training_id)
    _print_training(training, as_json)


@app.command()
def watch(training_id: TrainingId, as_json: AsJson = False) -> None:
    """Follow a training until it is over, one line for each evaluation; the exit status is 1 if it failed."""
    with open_client() as client:
        for event in client.training_events(training_id):
            if not as_json and (line := _event_line(event)) is not None:
                print_text(line)
        training = client.training(training_id)
    if as_json:
        print_json(training.model_dump(mode="json"))
    elif training.state == "failed":
        note(f"once the cause is fixed, continue it with `effspine training resume {training_id}`")
        raise EffspineError(f"training {training_id} failed: {training.error}")
    if training.state == "failed":
        raise typer.Exit(1)


@app.command()
def stop(training_id: TrainingId, as_json: AsJson = False) -> None:
    """Stop a training once it has saved a checkpoint."""
    with open_client() as client:
        training = client.stop_training(training_id)
    _print_training(training, as_json)


@app.command()
def resume(training_id: TrainingId, as_json: AsJson = False) -> None:
    """Continue a stopped or failed training from its checkpoint."""
    with open_client() as client:
        training = client.resume_training(training_id)
    _print_training(training, as_json)


@app.command()
def model(
    training_id: TrainingId,
    out: OutDirectory = HERE,
    as_json: AsJson = False,
) -> None:
    """Write the model directory of the best evaluation, as a ZIP file."""
    with open_client() as client:
        path = client.download_training_model(training_id, out)
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size})
        return
    print_text(str(path))


@app.command()
def export(
    training_id: TrainingId,
    out: OutDirectory = HERE,
    format: Annotated[str, typer.Option("--format", help="Format; `effspine export --help` lists them.")] = "detector",
    as_json: AsJson = False,
) -> None:
    """Write the best model to a file of another framework."""

    def request(client: Client) -> ExportDocument:
        return client.request_training_export(training_id, format)

    write_export(out, format, request, lambda client: client.training_export(training_id, format), as_json)


def _architecture(text: str) -> str | list[int] | dict[str, Any]:
    """What a request has for the text of the command line. Raises InvalidValueError."""
    from search_space.option_values import parse_whole_numbers

    if Path(text).expanduser().is_file():
        return read_specification(str(Path(text).expanduser()))
    return list(parse_whole_numbers("widths", text)) if "," in text else text


def _event_line(event: EventDocument) -> str | None:
    """What is printed of an event; None for nothing."""
    data = event.data
    if event.kind == "training.evaluated":
        line = f"step {data['step']:,} of {data['steps']:,}  epoch {data['epoch']:.1f}  loss {data['loss']:.4g}"
        return f"{line}  {data['metric']} {data['last']:.4f}, best {data['best']:.4f}"
    word = event.kind.partition(".")[2]
    if word == "started":
        return f"started, attempt {data['attempt']}"
    error = last_line(data.get("error"))
    return f"{word}: {error}" if error else word


def _start(start: str) -> str:
    return f"the weights of {start}" if start.startswith("t_") else f"{start} weights"


def _steps(training: TrainingDocument) -> str:
    progress = training.progress
    return "-" if progress is None else f"{progress.step:,}/{progress.steps:,}"


def _best(training: TrainingDocument) -> str:
    progress = training.progress
    if progress is None or progress.best is None:
        return "-"
    return f"{progress.metric} {three_digits(progress.best)}"


def _print_training(training: TrainingDocument, as_json: bool) -> None:
    """Prints one training, one field per line, or as a JSON document."""
    if as_json:
        print_json(training.model_dump(mode="json"))
        return
    of = training.model or (
        "a block specification" if training.campaign_id is None else f"trial {training.trial} of {training.campaign_id}"
    )
    facts = [
        ("training", f"{training.id}, {training.name}"),
        ("state", training.state),
        ("of", f"{of}, {training.task}, from {_start(training.start)}"),
        ("recipe", f"{training.recipe} on {training.dataset}, seed {training.seed}"),
        ("steps", _steps(training)),
        ("best", _best(training)),
        ("device time", duration(training.device_seconds)),
    ]
    if training.progress is not None and training.progress.seconds_left is not None and training.state == "running":
        facts.append(("time left", duration(training.progress.seconds_left)))
    if training.error is not None:
        facts.append(("error", training.error))
    for label, value in facts:
        print_text(f"{label:<12} {value}")
