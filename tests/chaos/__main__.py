"""`python -m tests.chaos --database postgresql --faults 200 --trials 1000`: injects faults under a running campaign.

Exits with 1 if anything was lost, damaged, left behind or too slow.
"""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from tests.chaos import phases
from tests.chaos.faults import FAULTS
from tests.chaos.report import document, markdown, write_section
from tests.chaos.run import run
from tests.chaos.settings import Settings

DATABASES = ("postgresql", "sqlite")
SIZE = {"faults": 200, "trials": 1_300, "parallelism": 2}
"""Of a search."""


def main(arguments: list[str]) -> int:
    """Parses the command line, runs and reports. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description="Runs a campaign and kills everything in turn.")
    parser.add_argument("--database", choices=DATABASES, required=True)
    parser.add_argument(
        "--scenario",
        choices=("search", "phases"),
        default="search",
        help="`phases`: each kind of fault once while shared weights are trained, and once in the finals.",
    )
    for name, default in SIZE.items():
        parser.add_argument(f"--{name}", type=int, help=f"Of a search: default {default}.")
    parser.add_argument("--trial-seconds", type=float, default=1.5)
    parser.add_argument("--lease-seconds", type=float, default=10.0)
    parser.add_argument("--away-seconds", type=float, default=30.0, help="How long a database is unavailable.")
    parser.add_argument("--bar-seconds", type=float, default=30.0, help="Longest acceptable recovery.")
    parser.add_argument(
        "--only",
        choices=FAULTS,
        nargs="+",
        default=(),
        help=f"Only these kinds of fault; with `phases` kills, by default {' '.join(phases.KINDS)}.",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="File for the result as JSON.")
    parser.add_argument("--document", type=Path, help="A Markdown document with a section for this database.")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that all processes end in order
    options = vars(parser.parse_args(arguments))
    _complete(parser, options)
    report_path, document_path = options.pop("report"), options.pop("document")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    command = f'make chaos ARGS="{shlex.join(arguments)}"'
    result = run(Settings(**{**options, "only": tuple(options["only"])}))
    text = markdown(result, command)
    print(text)
    if report_path is not None:
        report_path.write_text(json.dumps(document(result, command), indent=2) + "\n", encoding="utf-8")
    if document_path is not None:
        where = "chaos" if options["scenario"] == "search" else f"chaos in {options['scenario']}"
        write_section(document_path, f"{where} on {options['database']}", text)
    return 1 if result.violations else 0


def _complete(parser: argparse.ArgumentParser, options: dict[str, Any]) -> None:
    """Fills in the size of a run. Exits with an error where the scenario does not allow an option."""
    if options["scenario"] == "search":
        options |= {name: default if options[name] is None else options[name] for name, default in SIZE.items()}
        return
    if given := [f"--{name} {options[name]}" for name in SIZE if options[name] is not None]:
        parser.error(f"{' '.join(given)}: --scenario phases has a size of its own; leave it out")
    if others := [kind for kind in options["only"] if not kind.startswith("kill-")]:
        parser.error(f"--only {' '.join(others)}: with --scenario phases it must be kills")
    faults = len(phases.plan(options["seed"], options["only"]))
    options |= {"faults": faults, "trials": phases.TRIALS, "parallelism": phases.PARALLELISM}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
