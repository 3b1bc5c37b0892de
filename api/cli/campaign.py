"""`effspine campaign ...`: start, watch, pause, stop and read campaigns of a running service."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import duration, millions, note, print_json, print_table, spark_line, three_digits
from nas_controller.states import BASELINE_TRIAL
from search_space.errors import EffspineError, InvalidValueError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument, TrialDocument

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Start, watch, pause, stop and read campaigns.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the campaign.")]


def _client() -> Client:
    from api.client import Client

    return Client()


@app.command()
def create(
    file: Annotated[str, typer.Option("-f", "--file", help="YAML or JSON file; - reads standard input.")],
    draft: Annotated[bool, typer.Option("--draft", help="Let it wait until `campaign start`.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a campaign from a file."""
    with _client() as client:
        campaign = client.create_campaign(specification_in(file), draft=draft)
        if as_json:
            print_json(campaign.model_dump(mode="json"))
            return
        print(f"campaign {campaign.id} is {campaign.state}")
        if draft:
            note(f"start it with `effspine campaign start {campaign.id}`")
            return
        note(f"watch it with `effspine campaign watch {campaign.id}` or at {client.url}/campaigns/{campaign.id}")


@app.command()
def estimate(
    file: Annotated[str, typer.Option("-f", "--file", help="YAML or JSON file; - reads standard input.")],
    as_json: AsJson = False,
) -> None:
    """Say what a campaign would take, from what trials of the same proxy task have taken; nothing is created."""
    with _client() as client:
        answer = client.estimate(specification_in(file))
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    if answer.seconds_per_trial is None:
        print(
            f"{answer.trials} trials, {answer.parallelism} at a time: no trial of this proxy task was measured here yet"
        )
        note("run one first: a campaign with `trials: 1` measures the baseline, which every campaign needs anyway")
        return
    basis = {
        "same-workers": f"the median of {answer.measured_trials} trials of this proxy task with such workers",
        "same-task": f"the median of {answer.measured_trials} trials of this proxy task, though with other workers",
        "profile": "what the synthetic profile says",
    }
    print(
        f"{answer.trials} trials, {answer.parallelism} at a time: about {duration(answer.wall_seconds)}, "
        f"{answer.device_hours:.2f} device hours"
    )
    print(f"a trial takes {duration(answer.seconds_per_trial)}: {basis[answer.basis]}")
    if answer.bounded_by is not None:
        print(f"its stop condition {answer.bounded_by} ends it before the last trial")


@app.command()
def start(campaign_id: Id, as_json: AsJson = False) -> None:
    """Start a draft."""
    with _client() as client:
        campaign = client.start_campaign(campaign_id)
    _print_campaign(campaign, as_json)


@app.command()
def update(
    campaign_id: Id,
    file: Annotated[str | None, typer.Option("-f", "--file", help="YAML or JSON file with fields to change.")] = None,
    trials: Annotated[int | None, typer.Option(help="How many trials in all.")] = None,
    parallelism: Annotated[int | None, typer.Option(help="How many at a time.")] = None,
    share: Annotated[float | None, typer.Option(help="Its part of the workers, against other campaigns.")] = None,
    device_hours: Annotated[float | None, typer.Option(help="Ends it after so many device hours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a campaign, also while it runs; fields that are not named stay as they are."""
    patch = {} if file is None else specification_in(file)
    options = {"trials": trials, "parallelism": parallelism, "share": share}
    patch |= {name: value for name, value in options.items() if value is not None}
    if device_hours is not None:
        patch["stop"] = {**(patch.get("stop") or {}), "device_hours": device_hours}
    if not patch:
        raise InvalidValueError("nothing to change; give --trials, --parallelism, --share, --device-hours or -f FILE")
    with _client() as client:
        campaign = client.update_campaign(campaign_id, patch)
    _print_campaign(campaign, as_json)


def specification_in(file: str) -> dict[str, Any]:
    """The document in a file. Raises InvalidValueError, naming the file, unless it is one mapping."""
    import json

    import yaml

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        document = yaml.safe_load(text)  # JSON is YAML too
        # YAML has dates and numbers beyond any bound; a date is the text that it was written as.
        document = json.loads(json.dumps(document, default=str, allow_nan=False))
    except OSError as error:
        raise InvalidValueError(f"{file}: {error.strerror}", field="file") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        raise InvalidValueError(f"{file} is neither YAML nor JSON{where}: {error.problem}", field="file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{file} is neither YAML nor JSON: {error}", field="file") from error
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{file} holds what JSON cannot: {error}", field="file") from error
    if not isinstance(document, dict):
        raise InvalidValueError(f"{file} must hold one mapping such as `name: digits`", field="file")
    return document


@app.command("list")
def list_all(
    state: Annotated[str | None, typer.Option(help="Only campaigns in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List campaigns, newest first."""
    with _client() as client:
        campaigns = list(islice(client.campaigns(state=state), limit))
    if as_json:
        print_json([campaign.model_dump(mode="json") for campaign in campaigns])
        return
    if not campaigns:
        note("there is no campaign; create one with `effspine campaign create -f FILE`")
        return
    print_table(
        None,
        ("id", "name", "state", "trials", "best AP", "baseline", "created"),
        (
            (
                campaign.id,
                campaign.name,
                campaign.state,
                f"{campaign.trials_finished}/{campaign.spec['trials']}",
                three_digits(campaign.best_reward),
                three_digits(campaign.baseline_reward),
                f"{campaign.created_at:%Y-%m-%d %H:%M}",
            )
            for campaign in campaigns
        ),
        left=("id", "name", "state"),
    )


@app.command()
def show(campaign_id: Id, as_json: AsJson = False) -> None:
    """Show one campaign."""
    with _client() as client:
        campaign = client.campaign(campaign_id)
    _print_campaign(campaign, as_json)


@app.command()
def stop(campaign_id: Id, as_json: AsJson = False) -> None:
    """Ask a campaign to stop; trials in training are abandoned."""
    with _client() as client:
        campaign = client.stop_campaign(campaign_id)
    _print_campaign(campaign, as_json)


@app.command()
def pause(
    campaign_id: Id,
    abort: Annotated[bool, typer.Option("--abort", help="Give trials in training up now; they are retried.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pause a campaign once its trials in training have finished."""
    with _client() as client:
        campaign = client.pause_campaign(campaign_id, "abort" if abort else "drain")
    _print_campaign(campaign, as_json)


@app.command()
def resume(campaign_id: Id, as_json: AsJson = False) -> None:
    """Let a paused campaign go on."""
    with _client() as client:
        campaign = client.resume_campaign(campaign_id)
    _print_campaign(campaign, as_json)


@app.command()
def watch(campaign_id: Id, as_json: AsJson = False) -> None:
    """Follow a campaign until it is over; the exit status is 1 where it failed."""
    from api.cli.campaign_progress import follow

    with _client() as client:
        campaign = follow(client, client.campaign(campaign_id), quiet=as_json)
    if as_json:
        print_json(campaign.model_dump(mode="json"))
    elif campaign.error:
        raise EffspineError(f"campaign {campaign.id} failed: {campaign.error}")
    if campaign.state == "failed":
        raise typer.Exit(1)


@app.command()
def trials(
    campaign_id: Id,
    state: Annotated[str | None, typer.Option(help="Only trials in this state.")] = None,
    order_by: Annotated[
        str, typer.Option(help="number, reward, madds or params; - in front is descending.")
    ] = "number",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the trials of a campaign."""
    with _client() as client:
        rows = list(islice(client.trials(campaign_id, state=state, order_by=order_by), limit))
    if as_json:
        print_json([trial.model_dump(mode="json") for trial in rows])
        return
    _print_trials(rows)


@app.command()
def best(
    campaign_id: Id,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the best trials of a campaign beside the uniform baseline."""
    with _client() as client:
        answer = client.best(campaign_id, k)
    if as_json:
        print_json(answer.model_dump(mode="json"))
        return
    rows = answer.items
    if answer.baseline is not None and all(row.number != answer.baseline.number for row in rows):
        rows = [*rows, answer.baseline]
    _print_trials(rows)


@app.command()
def export(
    campaign_id: Id,
    out: Annotated[Path, typer.Option("--out", help="Folder to write into; it is made where it is missing.")],
    format: Annotated[str, typer.Option("--format", help="Format of the file.")] = "json",
    trial: Annotated[int | None, typer.Option(help="Number of the trial; default: the best one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write an architecture of a campaign to a file."""
    with _client() as client:
        name, content = client.export(campaign_id, format, trial)
    path = write_file(out, name, content)
    if as_json:
        print_json({"path": str(path), "bytes": len(content)})
        return
    print(path)


@app.command()
def verify(
    campaign_id: Id,
    database_url: Annotated[str | None, typer.Option(help="The record; default: that of the data directory.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay the record of a campaign from its seed and compare every proposal and the controller, bit for bit.

    It reads the database itself, not the service: EFFSPINE_DATA_DIR or EFFSPINE_DATABASE_URL say where it is.
    """
    from contextlib import closing

    from api.cli.serve import settings_of
    from nas_controller.campaigns.replay import verify as replay
    from nas_controller.store import Store

    with closing(Store.open(settings_of(database_url=database_url).database_url)) as store:
        verification = replay(store, campaign_id)
    if as_json:
        print_json(verification.to_dict())
        return
    print(
        f"campaign {campaign_id}: exact; {verification.events} events, {verification.trials_begun} trials begun, "
        f"{verification.trials_finished} finished"
    )


def write_file(folder: Path, name: str, content: bytes) -> Path:
    """Writes a file whole or not at all and returns its path. Raises EffspineError where the disk refuses it."""
    path = folder / name
    unfinished = folder / f".{name}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise EffspineError(f"cannot write {path}: {error.strerror}") from error
    return path


def _print_campaign(campaign: CampaignDocument, as_json: bool) -> None:
    if as_json:
        print_json(campaign.model_dump(mode="json"))
        return
    spec = campaign.spec
    lines = {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "error": campaign.error,
        "ended by": campaign.stopped_because,
        "trials": f"{campaign.trials_finished} of {spec['trials']}, {spec['parallelism']} at a time",
        "best AP": None if campaign.best_trial is None else f"{campaign.best_reward:.3f} (trial {campaign.best_trial})",
        "device time": duration(campaign.device_seconds) if campaign.device_seconds else None,
        "baseline AP": three_digits(campaign.baseline_reward),
        "profile": spec["proxy_task"]["profile"],
        "data set": spec["dataset"],
        "seed": str(spec["seed"]),
        "created": f"{campaign.created_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    for label, value in lines.items():
        if value is not None:
            print(f"{label:12} {value}")


def _print_trials(rows: list[TrialDocument]) -> None:
    from api.cli.campaign_progress import shown_seconds

    print_table(
        None,
        ("trial", "state", "AP", "widths", "", "multi-adds", "of budget", "params", "seconds", "note"),
        (
            (
                str(trial.number),
                trial.state,
                three_digits(trial.reward),
                ",".join(str(width) for width in trial.widths),
                spark_line(trial.widths),
                millions(trial.madds),
                f"{100 * trial.madds_ratio:.1f} %",
                millions(trial.params, 2),
                shown_seconds(trial),
                trial_note(trial),
            )
            for trial in rows
        ),
        left=("state", "widths", "note"),
    )


def trial_note(trial: TrialDocument) -> str:
    """What is special about a trial, in a few words."""
    if trial.error:
        return trial.error.strip().splitlines()[-1]
    if trial.reused_from is not None:
        return f"same architecture as trial {trial.reused_from}"
    return "uniform baseline" if trial.number == BASELINE_TRIAL else ""
