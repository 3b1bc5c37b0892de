"""The report of a campaign, from its documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import yaml

from api.report.contents import Bullets, Code, Facts, Paragraph, Report, Section
from api.report.documents import CampaignDocuments
from api.report.method import base_name, method, reward_text, software
from api.report.results import best_trials, figures, finals_section, result
from api.report.wall_time import end_of, wall_seconds
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from search_space.display import counted, displayed_line, duration

SPECIFICATION_FILE = "campaign.yaml"


def report_of(documents: CampaignDocuments) -> Report:
    """The report."""
    campaign = documents.campaign
    sections = (
        method(documents),
        figures(documents),
        best_trials(documents),
        finals_section(documents),
        _cost(documents),
        _reproduce(documents),
        Section("What is not known", (Bullets(tuple(_unknown(documents))),)),
    )
    return Report(
        campaign_id=campaign.id,
        title=displayed_line(campaign.name),
        about=f"Search for the channels of {base_name(documents.spec['search_space'])}. Campaign {campaign.id}, "
        f"{campaign.state}, as of {_time(documents.read_at)}.",
        result=result(documents),
        sections=tuple(section for section in sections if section is not None),
        specification=specification_yaml(documents.spec),
        written_at=documents.read_at,
        made_by=software(documents.health),
    )


def specification_yaml(spec: dict[str, Any]) -> str:
    """The specification as YAML, which `effspine campaign create` accepts."""
    text: str = yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, default_flow_style=None, width=80)
    return text


def _cost(documents: CampaignDocuments) -> Section:
    campaign = documents.campaign
    rows = {
        "trials": f"{campaign.trials_finished:,} finished of {campaign.trials_begun:,} begun"
        + (f"; {counted(campaign.repeats_skipped, 'repeat')} skipped" if campaign.repeats_skipped else ""),
        "device time": duration(campaign.device_seconds),
        "wall time": _wall_time(documents),
    }
    if campaign.shared_training is not None:
        rows["shared weights"] = duration(campaign.shared_training.seconds)
    if campaign.finals is not None:
        rows["finals"] = f"{campaign.finals.runs_finished} of {campaign.finals.runs} trainings finished"
    return Section("Cost", (Facts(tuple(rows.items())),))


def _wall_time(documents: CampaignDocuments) -> str:
    campaign = documents.campaign
    seconds = wall_seconds(campaign, documents.read_at)
    if campaign.started_at is None or seconds is None:
        return "not started"
    period = f"{_time(campaign.started_at)} to {_time(end_of(campaign, documents.read_at))}"
    paused = f", without {duration(campaign.paused_seconds)} of pauses" if campaign.paused_seconds else ""
    return f"{duration(seconds)}{paused} ({period})"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _reproduce(documents: CampaignDocuments) -> Section:
    campaign, spec = documents.campaign, documents.spec
    where = f"The specification, with every default, is {SPECIFICATION_FILE} beside this report:"
    same = (
        "ID is the one that create prints. With one trial at a time and equal rewards, the same seed gives the same "
        "search; trials in parallel may end in another order. To check this record, and to use it:"
    )
    of_record = [f"effspine campaign verify {campaign.id}", f"effspine campaign export {campaign.id} --out best"]
    return Section(
        "How to reproduce",
        (
            Paragraph(where),
            Code(specification_yaml(spec)),
            Code("\n".join(_commands(documents))),
            Paragraph(same),
            Code("\n".join(of_record)),
        ),
    )


def _commands(documents: CampaignDocuments) -> Iterator[str]:
    """The commands that run such a search again, from its data on."""
    spec, finals = documents.spec, documents.campaign.finals
    if spec["dataset"] is not None:
        yield f"effspine data register {spec['dataset']} DIRECTORY"
    yield f"effspine campaign create -f {SPECIFICATION_FILE}"
    yield "effspine campaign watch ID"
    if finals is not None and spec["finals"] is None:
        options = f"--top {len(finals.finalists)} --seeds {len(finals.seeds)} --first-seed {finals.seeds[0]}"
        preset = finals.preset
        changes = "".join(f" --set {name}={value}" for name, value in finals.task.items() if name != preset)
        yield f"effspine campaign finals ID {options} --{preset} {finals.task[preset]}{changes}"


def _unknown(documents: CampaignDocuments) -> Iterator[str]:
    """What the record does not show."""
    campaign, spec = documents.campaign, documents.spec
    if campaign.state not in FINISHED_CAMPAIGN_STATES:
        yield f"The campaign is {campaign.state}: what is said here may change."
    if spec["dataset"] is None:
        yield f"{reward_text(documents)}: they say nothing about any data."
    else:
        yield f"{reward_text(documents)}, and the highest of many rewards is on average too high."
        yield (
            f"The profile {displayed_line(spec['proxy_task']['profile'])} is a proxy: how well its AP ranks full "
            "trainings is not part of this record; effspine proxy-check measures it."
        )
    if documents.search is not None and documents.search["noise"] is None and campaign.trials_finished:
        needed = documents.search["noise_needs"]
        yield (
            "How much rewards of similar architectures differ by chance is not resolved here; it takes "
            f"{needed} architectures or more."
        )
    if campaign.finals is None:
        yield "No finals were run, so no trial is confirmed to be better than the baseline."
    elif campaign.finals.fresh_images is False:
        yield "Finals were scored on images that the search had selected on, which favours its finalists."
    yield "It is one search with one seed: another seed may end with other widths."
