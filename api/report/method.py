"""How a campaign searched: its search space, searcher, proxy task, seeds, data and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.documents import HealthDocument
from api.report.contents import Facts, Section
from api.report.documents import CampaignDocuments
from api.report.numbers import millions
from nas_controller.states import StopReason
from nas_controller.titles import stop_condition, stop_reason_title
from search_space.display import counted, displayed_line
from search_space.topology import NUM_BLOCKS


def method(documents: CampaignDocuments) -> Section:
    """The settings of the search, as names with their values."""
    spec, campaign = documents.spec, documents.campaign
    rows = {
        "search space": _space(spec["search_space"]),
        "budget": _budget(documents),
        "searcher": _settings(spec["controller"], "algorithm"),
        "objective": _objective(spec["objective"]),
        "trials": _trials(documents),
        "proxy task": _settings(spec["proxy_task"], "profile", first="profile "),
        "finals": _finals(documents),
        "early stopping": None if spec["early_stopping"] is None else _settings(spec["early_stopping"], "rule"),
        "stop conditions": _stops(spec["stop"]),
        "seed": f"{spec['seed']}, of the proposals and of the training of every trial",
        "data": _data(spec["dataset"], campaign.data),
        "shared weights": _shared_weights(documents),
        "software": software(documents.health),
    }
    return Section("Method", (Facts(tuple((name, value) for name, value in rows.items() if value is not None)),))


def _trials(documents: CampaignDocuments) -> str:
    spec, campaign = documents.spec, documents.campaign
    reason = campaign.stopped_because
    ended = "" if reason is None else f"; {stop_reason_title(reason, spec['stop'])}"
    return f"{campaign.trials_finished:,} of {spec['trials']:,} finished, {spec['parallelism']} in parallel{ended}"


def software(health: HealthDocument) -> str:
    """The version of the service that wrote the record, with its commit where it runs from a working copy."""
    version = "a version that it does not state" if health.version is None else health.version
    return f"effspine {version}" + ("" if health.commit is None else f", commit {health.commit}")


def base_name(space: Mapping[str, Any]) -> str:
    """The name of the architecture whose widths are searched."""
    base = space["base"]
    return displayed_line(str(base.get("name", "an architecture of its own") if isinstance(base, dict) else base))


def budget_madds(documents: CampaignDocuments) -> int | None:
    """The budget in plain multi-adds; None before the first trial of a campaign whose budget is its base's."""
    stated: int | None = documents.spec["search_space"]["budget_madds"]
    measured = next(iter([*documents.best.items, *filter(None, [documents.best.baseline])]), None)
    return stated if stated is not None or measured is None else round(measured.madds / measured.madds_ratio)


def _space(space: Mapping[str, Any]) -> str:
    searched = space["searched_blocks"]
    blocks = f"all {NUM_BLOCKS} blocks" if searched is None else f"blocks {', '.join(map(str, searched))}"
    choices = ", ".join(f"{choice:g}" for choice in space["choices"])
    parts = [f"channels of {blocks} of {base_name(space)}, in multiples of {space['width_divisor']}"]
    parts.append(f"multipliers {choices}")
    if space["max_params"] is not None:
        parts.append(f"at most {millions(space['max_params'], 2)} M parameters")
    if space["max_block_width"] is not None:
        parts.append(_widest(space["max_block_width"]))
    return "; ".join(parts)


def _widest(caps: int | Mapping[str, int]) -> str:
    if isinstance(caps, int):
        return f"at most {caps} channels"
    return ", ".join(f"at most {width} channels in block {block}" for block, width in caps.items())


def _budget(documents: CampaignDocuments) -> str:
    budget = budget_madds(documents)
    modes = {
        "exact": "which every architecture meets after rounding",
        "paper": "by Equations 2 to 4; rounding changes the cost",
    }
    mode = modes[documents.spec["search_space"]["mode"]]
    amount = "the multi-adds of the base" if budget is None else f"{millions(budget)} M multi-adds"
    return f"{amount}, {mode}"


def _settings(document: Mapping[str, Any], head: str, first: str = "") -> str:
    """A document in one line: the field `head`, then all others that are not null."""
    others = [f"{name} {_value(value)}" for name, value in document.items() if name != head and value is not None]
    return f"{first}{_value(document[head])}" + (f": {', '.join(others)}" if others else "")


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else displayed_line(str(value))


def _objective(objective: Mapping[str, Any]) -> str:
    if objective["minimise"] is None:
        return "AP"
    return f"AP, and less {objective['minimise']} with weight {objective['weight']:g}"


def _finals(documents: CampaignDocuments) -> str | None:
    finals = documents.campaign.finals
    if finals is None:
        return (
            None
            if documents.spec["finals"] is None
            else _settings({"finals": "to come", **documents.spec["finals"]}, "finals")
        )
    seeds = ", ".join(map(str, finals.seeds))
    task = _settings(finals.task, finals.preset, first=f"{finals.preset} ")
    return f"{counted(len(finals.finalists), 'finalist')} and the baseline, {task}; seeds {seeds}"


def _stops(stop: Mapping[StopReason, float | None] | None) -> str | None:
    found = [stop_condition(name, value) for name, value in (stop or {}).items() if value is not None]
    return ", ".join(found) or None


def _data(name: str | None, identity: Mapping[str, Any] | None) -> str:
    return "; ".join(_data_parts(name, identity))


def _data_parts(name: str | None, identity: Mapping[str, Any] | None) -> Iterator[str]:
    yield "none: rewards are computed from the widths" if name is None else displayed_line(name)
    if identity is not None:
        yield f"{identity['train']['images']:,} training and {identity['reserved']['images']:,} reserved images"
        yield f"SHA-256 {identity['sha256']}"


def reward_text(documents: CampaignDocuments) -> str:
    """What a reward of the search is of, and what else it depends on; without a full stop."""
    task = documents.task
    if task.kind == "synthetic":
        return "Rewards were computed from the widths and not trained"
    if task.kind == "shared" and task.steps == 0:
        return (
            "Each reward is of a slice of the shared weights, without a training of its own: the same architecture has "
            "the same reward again, but another one with other shared weights"
        )
    return "Each reward is from one training: another seed gives the same architecture another AP"


def _shared_weights(documents: CampaignDocuments) -> str | None:
    shared = documents.campaign.shared_training
    if shared is None:
        return None
    digest = "" if shared.weights_sha256 is None else f"; SHA-256 {shared.weights_sha256}"
    return f"{shared.state}, {shared.step:,} of {shared.steps:,} steps{digest}"
