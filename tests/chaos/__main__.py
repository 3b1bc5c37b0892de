"""`python -m tests.chaos --database postgresql --faults 200 --trials 1000`: what the service survives.

Exits with 1 where anything was lost, damaged, left behind or too slow.
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
    """Parses the command line, runs, reports. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description="Runs a campaign and kills everything in turn.")
    parser.add_argument("--database", choices=DATABASES, required=True)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--trials", type=int, default=1_300)
    parser.add_argument("--trial-seconds", type=float, default=1.5)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--lease-seconds", type=float, default=10.0)
    parser.add_argument("--away-seconds", type=float, default=30.0, help="How long a database stays away.")
    parser.add_argument("--bar-seconds", type=float, default=30.0, help="How long the service may take to recover.")
    parser.add_argument("--only", choices=FAULTS, nargs="+", default=(), help="These kinds of fault alone.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="Where to write the result as JSON.")
    parser.add_argument("--document", type=Path, help="A Markdown document with a section for this database.")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that everything is ended in order
    options = vars(parser.parse_args(arguments))
    report, into = options.pop("report"), options.pop("document")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    command = f'make chaos ARGS="{shlex.join(arguments)}"'
    result = run(Settings(**{**options, "only": tuple(options["only"])}))
    text = markdown(result, command)
    print(text)
    if report is not None:
        report.write_text(json.dumps(document(result, command), indent=2) + "\n", encoding="utf-8")
    if into is not None:
        write_section(into, f"chaos on {options['database']}", text)
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
