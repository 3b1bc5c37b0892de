"""What sinks say of a campaign in words: its hyperparameters, its finals, and its best architecture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nas_controller.entities import FinalsReportDocument


def hyperparameters(specification: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """The fields of a specification by their path, such as `controller.learning_rate`; lists as JSON, null left out."""
    return dict(_flat(specification, ""))


def _flat(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str | float | bool]]:
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}.")
        elif isinstance(value, str | bool | int | float):
            yield path, value
        elif value is not None:
            yield path, json.dumps(value)


def finals_scalars(report: FinalsReportDocument) -> dict[str, float]:
    """The gain of the trial that finals rank first over the baseline, with its 95 % interval."""
    best = next((each for each in report.verdict.comparisons if each.trial == report.finals.best), None)
    if best is None:
        return {}
    gains = {"finals/gain": best.mean, "finals/gain_low": best.low, "finals/gain_high": best.high}
    return {name: value for name, value in gains.items() if value is not None}


def finals_table(report: FinalsReportDocument) -> str:
    """The verdict and a row for each finalist, as Markdown."""
    rows = [
        f"| {each.trial} | {each.pairs} | {' | '.join(map(_digits, (each.mean, each.low, each.high)))} | {each.word} |"
        for each in report.verdict.comparisons
    ]
    head = ["| trial | seeds | mean gain | low | high | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    return "\n".join([report.verdict.sentence, "", *head, *rows])


def json_text(document: Mapping[str, Any]) -> str:
    """A document as JSON for people."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def fenced(text: str) -> str:
    """JSON as a block of Markdown."""
    return f"```json\n{text}\n```"


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:+z.4f}"
