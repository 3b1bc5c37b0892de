"""The result of a run as JSON, as Markdown, and as a section of a document."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.chaos.faults import FAULTS
from tests.chaos.run import Recovery, Result


def document(result: Result, command: str) -> dict[str, Any]:
    """The result as plain JSON values, with the command, the machine and the versions."""
    return {
        "command": command,
        "passed": not result.violations,
        "violations": result.violations,
        "settings": asdict(result.settings),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("ray", "sqlalchemy")}},
        "wall_seconds": result.wall_seconds,
        "counts": result.counts,
        "skipped": result.skipped,
        "faults": [asdict(recovery) for recovery in result.recoveries],
    }


def markdown(result: Result, command: str) -> str:
    """The result as a Markdown table with a row per kind of fault."""
    summary = document(result, command)
    verdict = "passed" if summary["passed"] else "**not passed**"
    versions = ", ".join(f"{name} {number}" for name, number in summary["versions"].items())
    bar, work = result.settings.bar_seconds, "attempt" if result.settings.scenario == "phases" else "reward"
    lines = [
        f"`{command}`",
        "",
        f"{len(result.recoveries)} faults over {summary['counts']['trials']} trials in "
        f"{result.wall_seconds / 60:.1f} min on {summary['cores']} cores ({versions}): {verdict}.",
        "",
        f"| fault | times | API: median, longest | {work}: median, longest | over {bar:.0f} s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in FAULTS:
        recoveries = [recovery for recovery in result.recoveries if recovery.kind == name]
        if recoveries:
            lines.append(_row(name, recoveries, bar))
    lines.append(_row("all", result.recoveries, bar))
    counts = summary["counts"]
    lines += [
        "",
        f"The campaign had {counts['runners']} runners. {counts['attempts_abandoned']} attempts were lost with their "
        f"runner and {counts['attempts_failed']} with their worker; all were repeated. {counts['events']} events "
        f"reached the follower. In {counts['probes_refused']} of {counts['probes']} polls of the monitor a route did "
        "not answer.",
    ]
    lines += [f"Not tested here: {name} (mounting a small disk needs root)." for name in result.skipped]
    lines += [f"- {violation.splitlines()[0]}" for violation in result.violations]
    return "\n".join(lines) + "\n"


def write_section(path: Path, name: str, text: str) -> None:
    """Replaces the text between the markers of this name in a document. Raises ValueError if there are none."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path} has no section between {begin.strip()} and {end.strip()}")
    path.write_text(before + begin + text + end + after, encoding="utf-8")


def _row(name: str, recoveries: Sequence[Recovery], bar: float) -> str:
    api = [recovery.api_seconds for recovery in recoveries]
    work = [recovery.work_seconds for recovery in recoveries if recovery.work_seconds is not None]
    late = sum(recovery.seconds > bar for recovery in recoveries)
    return f"| {name} | {len(recoveries)} | {_spread(api)} | {_spread(work)} | {late} |"


def _spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f} s, {max(seconds):.1f} s" if seconds else "-"
