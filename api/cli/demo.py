"""`effspine demo`: a complete search on this machine, from the data set to the exported architecture.

    effspine demo                       200 trials and finals, about ten minutes on two cores
    effspine demo --profile synthetic   the same with a computed reward, in a minute
    effspine demo --fresh          a new campaign, even if an unfinished one could be resumed

It uses only public interfaces: the commands `data make-digits` and `serve`, and the REST API.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from api.cli.demo_detectors import commands, link_latest, write_detectors
from api.cli.output import console, duration, millions, note, print_table, spark_line, three_digits
from api.loopback import DEFAULT_HOST, DEFAULT_PORT
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from search_space.display import displayed
from search_space.errors import EffspineError
from search_space.proxy_task import PROFILES

if TYPE_CHECKING:
    from api.cli.child_service import ChildService
    from api.client import Client
    from api.documents import BestDocument, CampaignDocument, TrialDocument
    from api.settings import Settings

app = typer.Typer(add_completion=False)

NAME = "demo"
DATASET = "digits"
PROFILE = "laptop"
TRIALS = 200
PARALLELISM = 2
FINALS = {"top": 1, "seeds": 3}
SHORTER = {"proxy_task": {"profile": PROFILE, "shared_steps": 2800}, "finals": FINALS | {"steps": 1000}}
"""Of the profile `laptop` 70 % of the shared steps, and of its finals half of the steps, so that the first reward comes
within 200 seconds and the demo ends within ten minutes. What that costs in rank correlation: docs/laptop-profile.md.
"""
STOP_POLL_SECONDS = 0.5
NEEDED_MIB = 256  # mostly for the cache of resized images


@app.command()
def demo(
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help=f"Port of the service on {DEFAULT_HOST}.",
            show_default=f"EFFSPINE_PORT, else {DEFAULT_PORT}",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials, including the uniform baseline.")] = TRIALS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed samples the same architectures.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start a new campaign and stop an unfinished one.")] = False,
    profile: Annotated[str, typer.Option(help=f"Profile of the proxy task: {', '.join(PROFILES)}.")] = PROFILE,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when the program that called it ends.", hidden=True)
    ] = False,
) -> None:
    """Run a search campaign on this machine and watch it.

    Its service ends with it, also when the terminal is closed; one that was running before keeps running. After Ctrl-C,
    the same command resumes the unfinished campaign with the same trials, seed and profile; otherwise it
    starts a new one.
    """
    from api.cli.child_service import ChildService
    from api.cli.serve import settings_of
    from api.client import Client

    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if with_parent:
        from api.cli.parent_watch import end_with_parent

        end_with_parent()
    settings = settings_of(host="127.0.0.1", port=port)
    check_free_space(settings.data_dir)
    _print(f"data directory: {settings.data_dir}")
    service, campaign = ChildService(settings), None
    try:
        with service, Client(settings.url) as client:
            joined = "using a running service, which this command does not stop"
            _print(f"{'starting a service' if service.is_child else joined}; dashboard: {settings.url}")
            make_dataset(settings)
            service.wait_until_ready(client)
            campaign = begin(client, specification(trials, seed, profile), fresh)
            _print(f"this campaign: {settings.url}/campaigns/{campaign.id}")
            ended = watch(client, campaign, started)
            _report(client, ended, settings, started, service_keeps_running=not service.is_child)
    except KeyboardInterrupt:
        note(f"\n{interruption_message(service, campaign)}")
        raise typer.Exit(130) from None


def interruption_message(service: ChildService, campaign: CampaignDocument | None) -> str:
    """What an interrupted demo has stopped, and what continues."""
    if service.is_child:
        return "stopped; finished trials are saved, and the same command resumes the campaign"
    url = service.settings.url
    if campaign is None:
        return f"stopped before a campaign was created; the service at {url} keeps running"
    return (
        f"stopped watching; the campaign continues at {url}/campaigns/{campaign.id}, "
        f"and `{program()} campaign stop {campaign.id}` stops it"
    )


def check_free_space(directory: Path) -> None:
    """Raises EffspineError if the disk of `directory`, which may not exist yet, has too little free space."""
    existing = next(part for part in (directory, *directory.parents) if part.exists())
    free_mib = shutil.disk_usage(existing).free / 2**20
    if free_mib < NEEDED_MIB:
        raise EffspineError(
            f"the disk of {directory} has {free_mib:.1f} MiB free and the demo needs {NEEDED_MIB} MiB; "
            "free some, or set EFFSPINE_DATA_DIR to a directory on another disk"
        )


def specification(trials: int, seed: int, profile: str) -> dict[str, Any]:
    """The specification of the demo's campaign."""
    return {
        "name": NAME,
        "dataset": DATASET,
        "trials": trials,
        "parallelism": PARALLELISM,
        "seed": seed,
        **(SHORTER if profile == PROFILE else {"proxy_task": {"profile": profile}, "finals": FINALS}),
    }


def make_dataset(settings: Settings, name: str = DATASET, options: Sequence[str] = ()) -> None:
    """Creates a digits data set in the data directory, with the public command and its `options`, unless it exists."""
    from search_space.datasets import dataset_names

    if name in dataset_names(settings.data_dir):
        return
    dataset_dir = settings.data_dir / "datasets" / name
    _print(f"making the data set of handwritten digits in {dataset_dir}")
    command = [sys.executable, "-m", "api.cli.main", "data", "make-digits", str(dataset_dir), *options]
    completed = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if completed.returncode < 0:
        raise EffspineError(f"making the data set in {dataset_dir} was ended by signal {-completed.returncode}")
    if completed.returncode > 0:  # the command has printed the reason
        raise typer.Exit(completed.returncode)


def begin(client: Client, spec: dict[str, Any], fresh: bool) -> CampaignDocument:
    """The unfinished campaign with the specification `spec`, or a new one; stops other unfinished demos."""
    unfinished = [
        campaign
        for campaign in client.campaigns(archived="any")
        if campaign.name == NAME and campaign.state not in FINISHED_CAMPAIGN_STATES
    ]
    resumable: CampaignDocument | None = None
    for campaign in unfinished:
        if resumable is None and not fresh and has_spec(campaign, spec):
            resumable = campaign
            continue
        _print(f"stopping the unfinished campaign {campaign.id}")
        client.stop_campaign(campaign.id)
        while client.campaign(campaign.id).state not in FINISHED_CAMPAIGN_STATES:
            time.sleep(STOP_POLL_SECONDS)
    if resumable is not None:
        finished = f"{resumable.trials_finished} of {spec['trials']} trials have finished"
        _print(f"resuming campaign {resumable.id}: {finished}")
        return resumable
    created = client.create_campaign(spec)
    _print(f"campaign {created.id}: {spec['trials']} trials, profile {spec['proxy_task']['profile']}")
    return created


def has_spec(campaign: CampaignDocument, spec: dict[str, Any]) -> bool:
    """Whether a campaign has the trials, seed, data set and proxy task of a specification."""
    same = all(campaign.spec[name] == spec[name] for name in ("trials", "seed", "dataset"))
    return same and campaign.spec["proxy_task"] == spec["proxy_task"]


def watch(client: Client, campaign: CampaignDocument, started: float) -> CampaignDocument:
    """Shows the campaign until it has finished, prints the time to the first reward and returns the final document."""
    from api.cli.campaign.progress import follow

    seconds: list[float] = []
    ended = follow(client, campaign, on_trial=lambda _: seconds.append(time.monotonic() - started))
    if seconds:
        _print(f"first reward after {seconds[0]:.0f} s")
    return ended


def _report(
    client: Client, campaign: CampaignDocument, settings: Settings, started: float, *, service_keeps_running: bool
) -> None:
    if campaign.state == "failed":
        from nas_controller.supervision.campaign_logs import log_path, log_tail

        reason = (campaign.error or "").partition("\n")[0]
        note(log_tail(settings.data_dir, campaign.id))
        note(f"error: campaign {campaign.id} failed: {reason}")
        note(f"its log is {log_path(settings.data_dir, campaign.id)}")
        raise typer.Exit(1)
    best = client.best(campaign.id)
    if not best.items:
        raise EffspineError(f"campaign {campaign.id} is {campaign.state} without any reward")
    shown = best.compared or best.items[0]
    compare(best, shown)
    _print(f"wall time {duration(time.monotonic() - started)}")
    number, directory = best.items[0].number, settings.data_dir / NAME / campaign.id
    _print(f"{best.sentence}")
    _print(f"specification of trial {number}: {export(client, campaign, 'spec', directory)}")
    drawn = export(client, campaign, "svg", directory, shown.number)
    _print(f"drawing of trial {shown.number} beside the uniform baseline, block by block: {drawn}")
    latest = link_latest(directory)
    if campaign.spec["proxy_task"]["profile"] != "synthetic":
        write_detectors(client, campaign.id, settings.data_dir / "datasets" / campaign.spec["dataset"], directory)
        _print("to draw the objects that it finds, without effspine and its service:")
        for command in commands(latest):
            _print(f"\n{command}\n")
    if service_keeps_running:
        _print(f"the service keeps running at {settings.url}")
    else:
        _print(
            f"to view it again: {program()} serve --port {settings.port}, then {settings.url}/campaigns/{campaign.id}"
        )
    _print(f"your own data: {program()} data register NAME DIR, then a campaign with `dataset: NAME`")


def compare(best: BestDocument, shown: TrialDocument) -> None:
    """Prints the trial that figures show against the uniform baseline, and the baseline."""
    rows = [("best" if shown.number == best.items[0].number else "best candidate", shown)]
    if best.baseline is not None:
        rows.append(("SP-EfficientNet-B0, uniform", best.baseline))
    print_table(
        ("architecture", "trial", "AP", "AP50", "multi-adds", "params", "widths"),
        (
            (
                label,
                str(trial.number),
                three_digits(trial.reward),
                three_digits((trial.metrics or {}).get("ap50")),
                millions(trial.madds),
                millions(trial.params, 2),
                spark_line(trial.widths),
            )
            for label, trial in rows
        ),
        left=("architecture", "widths"),
        drop=("AP50", "params", "trial", "multi-adds", "widths"),
    )
    for label, trial in rows:
        _print(f"widths of {label}: {' '.join(str(width) for width in trial.widths)}")


def export(client: Client, campaign: CampaignDocument, format: str, directory: Path, trial: int | None = None) -> Path:
    """Writes a trial, by default the best, to a file in this format and returns its path."""
    from api.cli.campaign.files import write_file

    return write_file(directory, *client.export(campaign.id, format, trial))


def program() -> str:
    """The name of this command if it is on the PATH, else its path."""
    return "effspine" if shutil.which("effspine") or Path(sys.argv[0]).name != "effspine" else sys.argv[0]


def _print(line: str) -> None:
    console().print(displayed(line), markup=False, soft_wrap=True)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
