"""Latency of the API on a large database while a campaign writes (`effspine bench load`).

It runs a real service, API and supervisor, on a database from `effspine bench fill`, a campaign without training that
writes as fast as it can, and `hey`, which requests one route after another at a constant rate.

A load tool that waits for a response sends fewer requests while the service is slow, and its percentiles omit them
(coordinated omission). As in HdrHistogram, a latency above the interval between two requests of its connection
therefore also counts for the requests that it delayed.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx

from api.cli.child_service import ChildService
from api.cli.serve import settings_of
from api.client import Client
from api.documents import CampaignDocument
from api.loopback import free_port
from search_space.errors import EffspineError

TOOL = "hey"
CONNECTIONS = 4
REQUESTS_PER_SECOND = 10.0
BULK_PER_SECOND = 2.0
"""Rate for pages of a thousand trials, nearly a megabyte each, which only programs request."""
P99_LIMIT_MS = 150.0
MIN_TRIALS = 20
MAX_LIMIT = 1_000
WRITER = {
    "name": "writer",
    "trials": 100_000,
    # The controller learns but never converges; otherwise most trials would be repeats, which write less.
    "controller": {"learning_rate": 1e-9},
    "proxy_task": {"profile": "synthetic"},
}
WRITER_WARM_UP_TRIALS = 20
WRITER_WARM_UP_SECONDS = 120.0
UNLOADED_SECONDS = 10.0
LOCKED = "database is locked"

PrintLine = Callable[[str], None]


class Route(NamedTuple):
    """A path to request, and its name in the report."""

    name: str
    address: str
    per_second: float = REQUESTS_PER_SECOND


class Latencies(NamedTuple):
    """Latencies of one route in seconds; `errors` counts missing responses and those with another status than 200."""

    seconds: tuple[float, ...]
    errors: int


def load_benchmark(database_url: str, seconds: float, print_line: PrintLine) -> dict[str, Any]:
    """The document that `effspine bench load --json` prints, after `seconds` of load on each route.

    Raises EffspineError if there is no load tool, if the database has no campaign, and if the service or the writing
    campaign does not start.
    """
    tool = find_tool()
    with tempfile.TemporaryDirectory(prefix="effspine-bench-") as directory:
        settings = settings_of(data_dir=Path(directory), database_url=database_url, port=free_port())
        with ChildService(settings) as service, Client(settings.url) as client:
            service.wait_until_ready(client)
            campaigns = list(client.campaigns())
            largest = max(campaigns, key=lambda campaign: campaign.trials_begun, default=None)
            if largest is None or largest.trials_begun < MIN_TRIALS:
                raise EffspineError(f"no campaign has {MIN_TRIALS} trials; fill a database with `effspine bench fill`")
            with _writing(client, print_line) as writer:
                unloaded = _rate(client, writer, lambda: time.sleep(UNLOADED_SECONDS))
                measured: list[dict[str, Any]] = []

                def request_routes() -> None:
                    for route in routes(settings.url, largest, writer):
                        latencies = measure(tool, settings.url + route.address, route.per_second, seconds)
                        measured.append(
                            {
                                "route": route.name,
                                "per_second": route.per_second,
                                **summary(latencies, route.per_second),
                            }
                        )
                        print_line(f"{route.name}: p99 {measured[-1]['p99_ms']:.0f} ms")
                        service.check()

                loaded = _rate(client, writer, request_routes)
        locked = service.log_path.read_text(errors="replace").count(LOCKED)
    slowest = max(measured, key=lambda route: route["p99_ms"])
    errors = sum(route["errors"] for route in measured)
    return {
        "database": database_url.partition(":")[0].partition("+")[0],
        "campaigns": len(campaigns),
        "trials": sum(campaign.trials_begun for campaign in campaigns),
        "largest_campaign_trials": largest.trials_begun,
        "connections": CONNECTIONS,
        "seconds_per_route": seconds,
        "routes": measured,
        "writer_trials_per_second": {"alone": round(unloaded, 1), "under_load": round(loaded, 1)},
        "times_locked": locked,
        "slowest_route": slowest["route"],
        "slowest_p99_ms": slowest["p99_ms"],
        "limit_ms": P99_LIMIT_MS,
        "errors": errors,
        "passed": slowest["p99_ms"] < P99_LIMIT_MS and errors == 0 and locked == 0 and loaded > 0,
    }


def find_tool() -> str:
    """Path of the load tool. Raises EffspineError, with the command to install it, if it is not on the PATH."""
    tool = shutil.which(TOOL)
    if tool is None:
        raise EffspineError(f"{TOOL} is not on the PATH; on Debian or Ubuntu: apt-get install {TOOL}")
    return tool


def routes(url: str, largest: CampaignDocument, writer: str) -> Iterator[Route]:
    """Lists, figures and best trials of the largest campaign, and the dashboard's reads of the writing one."""

    def route(name: str, path: str, **query: Any) -> Route:
        text = f"?{urlencode(query)}" if query else ""
        return Route(f"{name} {urlencode(query, safe=',')}".strip(), path + text)

    campaigns, one, writing = "/v1/campaigns", f"/v1/campaigns/{largest.id}", f"/v1/campaigns/{writer}"
    yield route("campaigns", campaigns)
    yield route("campaigns", campaigns, limit=MAX_LIMIT)
    yield route("campaigns", campaigns, state="completed")
    yield route("campaign", one)
    for order in ("number", "reward", "madds", "params"):
        yield route("trials", f"{one}/trials", order_by=order)
        yield route("trials", f"{one}/trials", order_by=f"-{order}")
    for order in ("-reward", "madds"):
        middle = f"{one}/trials?{urlencode({'order_by': order, 'cursor': _middle(url, largest, order)})}"
        yield Route(f"trials order_by={order}, in the middle", middle)
    yield route("trials", f"{one}/trials", state="completed", order_by="-number")
    yield route("trials", f"{one}/trials", state="failed", order_by="-madds")
    yield route("trials", f"{one}/trials", limit=MAX_LIMIT)._replace(per_second=BULK_PER_SECOND)
    yield route("trial", f"{one}/trials/0")
    for k in (1, 100):
        yield route("best", f"{one}/best", k=k)
    yield route("best", f"{one}/best", k=MAX_LIMIT)._replace(per_second=BULK_PER_SECOND)
    yield route("policy", f"{one}/policy")
    figures = ("search", "progress", "madds-ap", "params-ap", "latency-ap", "widths", "policy", "curves")
    for figure in figures:
        yield route(f"figure {figure}", f"{one}/figures/{figure}")
    for figure in ("progress", "madds-ap", "curves"):
        yield route(f"figure {figure}", f"{one}/figures/{figure}", points=5_000)
    yield route("writer: campaign", writing)
    yield route("writer: trials", f"{writing}/trials", order_by="-number")
    yield route("writer: best", f"{writing}/best")
    for figure in figures:
        yield route(f"writer: figure {figure}", f"{writing}/figures/{figure}")


def measure(tool: str, url: str, per_second: float, seconds: float) -> Latencies:
    """Requests `url` at a constant rate for `seconds`. Raises EffspineError if the tool fails."""
    requests = max(CONNECTIONS, round(seconds * per_second))
    command = [tool, "-n", str(requests), "-c", str(CONNECTIONS), "-q", str(per_second / CONNECTIONS)]
    completed = subprocess.run([*command, "-o", "csv", url], capture_output=True, text=True, check=False)
    if completed.returncode != 0:
        output = completed.stderr.strip() or completed.stdout.strip()
        raise EffspineError(f"{TOOL} ended with status {completed.returncode}: {output}")
    return read_report(completed.stdout, requests - requests % CONNECTIONS)


def read_report(text: str, requests: int) -> Latencies:
    """Parses the tool's CSV table, which has no rows for requests without a response."""
    rows = list(csv.DictReader(io.StringIO(text)))
    succeeded = tuple(float(row["response-time"]) for row in rows if row["status-code"] == "200")
    return Latencies(succeeded, requests - len(succeeded))


def summary(latencies: Latencies, per_second: float) -> dict[str, Any]:
    """Percentiles of a route in milliseconds, corrected for coordinated omission."""
    corrected = sorted(with_delayed_requests(latencies.seconds, CONNECTIONS / per_second))
    return {
        "requests": len(latencies.seconds) + latencies.errors,
        "errors": latencies.errors,
        "p50_ms": _milliseconds(corrected, 0.50),
        "p99_ms": _milliseconds(corrected, 0.99),
        "worst_ms": _milliseconds(corrected, 1.0),
    }


def with_delayed_requests(latencies: Sequence[float], interval: float) -> list[float]:
    """The latencies, and those of the requests that a connection did not send while it waited longer than `interval`:
    each would have waited for the rest of that time.
    """
    corrected = list(latencies)
    for latency in latencies:
        corrected += [latency - missed * interval for missed in range(1, math.ceil(latency / interval))]
    return corrected


def _milliseconds(ordered: Sequence[float], fraction: float) -> float:
    """The nearest-rank percentile; infinite without any response."""
    if not ordered:
        return math.inf
    return round(1_000 * ordered[max(0, math.ceil(fraction * len(ordered)) - 1)], 1)


@contextmanager
def _writing(client: Client, print_line: PrintLine) -> Iterator[str]:
    """The id of a campaign that writes trials until the context ends, which stops it."""
    writer = client.create_campaign(WRITER).id
    try:
        print_line("waiting for the writing campaign")
        deadline = time.monotonic() + WRITER_WARM_UP_SECONDS
        while (campaign := client.campaign(writer)).trials_finished < WRITER_WARM_UP_TRIALS:
            if campaign.state not in ("pending", "running") or time.monotonic() > deadline:
                raise EffspineError(
                    f"the writing campaign is {campaign.state} with {campaign.trials_finished} trials after "
                    f"{WRITER_WARM_UP_SECONDS:.0f} s: {campaign.error or 'no error'}"
                )
            time.sleep(0.5)
        yield writer
    finally:
        client.stop_campaign(writer)


def _rate(client: Client, writer: str, during: Callable[[], None]) -> float:
    """The number of trials per second that the campaign finishes during the call."""
    before, started = client.campaign(writer).trials_finished, time.monotonic()
    during()
    return (client.campaign(writer).trials_finished - before) / (time.monotonic() - started)


def _middle(url: str, campaign: CampaignDocument, order: str) -> str:
    """A cursor in the middle of the list of its trials."""
    half = campaign.trials_begun // 2
    limit, cursor = min(half, MAX_LIMIT), None
    for _ in range(half // limit):
        query: dict[str, str | int] = {
            "order_by": order,
            "limit": limit,
            **({} if cursor is None else {"cursor": cursor}),
        }
        response = httpx.get(f"{url}/v1/campaigns/{campaign.id}/trials", params=query, trust_env=False)
        cursor = response.raise_for_status().json()["next_cursor"]
    return str(cursor)
