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

from tests.chaos.faults import FAULTS
from tests.chaos.report import document, markdown, write_section
from tests.chaos.run import Settings, run

DATABASES = ("postgresql", "sqlite")


def main(arguments: list[str]) -> int:
    """Parses the command line, runs and reports. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description="Runs a campaign and kills everything in turn.")
    parser.add_argument("--database", choices=DATABASES, required=True)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--trials", type=int, default=1_300)
    parser.add_argument("--trial-seconds", type=float, default=1.5)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--lease-seconds", type=float, default=10.0)
    parser.add_argument("--away-seconds", type=float, default=30.0, help="How long a database is unavailable.")
    parser.add_argument("--bar-seconds", type=float, default=30.0, help="Longest acceptable recovery.")
    parser.add_argument("--only", choices=FAULTS, nargs="+", default=(), help="Only these kinds of fault.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="File for the result as JSON.")
    parser.add_argument("--document", type=Path, help="A Markdown document with a section for this database.")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that all processes end in order
    options = vars(parser.parse_args(arguments))
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
        write_section(document_path, f"chaos on {options['database']}", text)
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
