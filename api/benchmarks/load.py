"""How fast a large record is read while a campaign writes (`effspine bench load`).

A real service, API and supervisor, on a record that `effspine bench fill` has filled; a campaign without training that
writes as fast as it can; and `hey`, which asks for one route after another at a constant rate.

A tool that waits for an answer before it asks again asks less where the service is slow, and its percentiles leave out
whom the stall would have kept waiting (coordinated omission). So each latency beyond the interval between two requests
of its connection counts for those that would have fallen into it as well, as in HdrHistogram.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
import socket
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
from search_space.errors import EffspineError

TOOL = "hey"
CONNECTIONS = 4
REQUESTS_PER_SECOND = 10.0
BULK_PER_SECOND = 2.0
"""Of pages with a thousand trials, close to a megabyte each, which programs read rather than people."""
P99_LIMIT_MS = 150.0
LEAST_TRIALS = 20
MAX_LIMIT = 1_000
WRITER = {
    "name": "the one that writes",
    "trials": 100_000,
    # The controller learns at full cost and never converges, or most trials would be repeats, which write less.
    "controller": {"learning_rate": 1e-9},
    "proxy_task": {"profile": "synthetic"},
}
WRITER_SETTLES_AFTER = 20
SETTLE_SECONDS = 120.0
ALONE_SECONDS = 10.0
LOCKED = "database is locked"

Say = Callable[[str], None]


class Route(NamedTuple):
    """An address to ask for, by the name that the report has for it."""

    name: str
    address: str
    per_second: float = REQUESTS_PER_SECOND


class Latencies(NamedTuple):
    """What the load tool measured at one route, in seconds; `errors` are answers that did not come or were not 200."""

    seconds: tuple[float, ...]
    errors: int


def load_benchmark(database_url: str, seconds: float, say: Say) -> dict[str, Any]:
    """The document that `effspine bench load --json` prints, with `seconds` of load on each route.

    Raises EffspineError where there is no load tool, where the record has no campaign, and where the service or the
    campaign that writes does not start.
    """
    tool = find_tool()
    with tempfile.TemporaryDirectory(prefix="effspine-bench-") as folder:
        settings = settings_of(data_dir=Path(folder), database_url=database_url, port=_free_port())
        with ChildService(settings) as service, Client(settings.url) as client:
            service.wait_until_ready(client)
            campaigns = list(client.campaigns())
            largest = max(campaigns, key=lambda campaign: campaign.trials_begun, default=None)
            if largest is None or largest.trials_begun < LEAST_TRIALS:
                raise EffspineError(f"no campaign has {LEAST_TRIALS} trials; fill a record with `effspine bench fill`")
            with _writing(client, say) as writer:
                alone = _rate(client, writer, lambda: time.sleep(ALONE_SECONDS))
                found: list[dict[str, Any]] = []

                def ask() -> None:
                    for route in routes(settings.url, largest, writer):
                        latencies = measure(tool, settings.url + route.address, route.per_second, seconds)
                        found.append(
                            {
                                "route": route.name,
                                "per_second": route.per_second,
                                **summary(latencies, route.per_second),
                            }
                        )
                        say(f"{route.name}: p99 {found[-1]['p99_ms']:.0f} ms")
                        service.check()

                loaded = _rate(client, writer, ask)
        locked = service.log_path.read_text(errors="replace").count(LOCKED)
    slowest = max(found, key=lambda route: route["p99_ms"])
    errors = sum(route["errors"] for route in found)
    return {
        "database": database_url.partition(":")[0].partition("+")[0],
        "campaigns": len(campaigns),
        "trials": sum(campaign.trials_begun for campaign in campaigns),
        "largest_campaign_trials": largest.trials_begun,
        "connections": CONNECTIONS,
        "seconds_per_route": seconds,
        "routes": found,
        "writer_trials_per_second": {"alone": round(alone, 1), "under_load": round(loaded, 1)},
        "times_locked": locked,
        "slowest_route": slowest["route"],
        "slowest_p99_ms": slowest["p99_ms"],
        "limit_ms": P99_LIMIT_MS,
        "errors": errors,
        "passed": slowest["p99_ms"] < P99_LIMIT_MS and errors == 0 and locked == 0 and loaded > 0,
    }


def find_tool() -> str:
    """The load tool on the PATH. Raises EffspineError where there is none, with how to get it."""
    tool = shutil.which(TOOL)
    if tool is None:
        raise EffspineError(f"{TOOL} is not on the PATH; on Debian or Ubuntu: apt-get install {TOOL}")
    return tool


def routes(url: str, largest: CampaignDocument, writer: str) -> Iterator[Route]:
    """Every list, every figure and the best: of the largest campaign, and what a page reads of the one that writes."""

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
    figures = ("progress", "madds-ap", "params-ap", "widths", "policy", "curves")
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
    """Asks for `url` at a constant rate for so many seconds. Raises EffspineError where the tool fails."""
    requests = max(CONNECTIONS, round(seconds * per_second))
    command = [tool, "-n", str(requests), "-c", str(CONNECTIONS), "-q", str(per_second / CONNECTIONS)]
    done = subprocess.run([*command, "-o", "csv", url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EffspineError(f"{TOOL} ended with status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return read_report(done.stdout, requests - requests % CONNECTIONS)


def read_report(text: str, requests: int) -> Latencies:
    """The tool's table. A request without an answer has no row in it."""
    rows = list(csv.DictReader(io.StringIO(text)))
    good = tuple(float(row["response-time"]) for row in rows if row["status-code"] == "200")
    return Latencies(good, requests - len(good))


def summary(latencies: Latencies, per_second: float) -> dict[str, Any]:
    """What the report says of a route. Latencies are in milliseconds and corrected for coordinated omission."""
    corrected = sorted(with_omitted(latencies.seconds, CONNECTIONS / per_second))
    return {
        "requests": len(latencies.seconds) + latencies.errors,
        "errors": latencies.errors,
        "p50_ms": _milliseconds(corrected, 0.50),
        "p99_ms": _milliseconds(corrected, 0.99),
        "worst_ms": _milliseconds(corrected, 1.0),
    }


def with_omitted(latencies: Sequence[float], interval: float) -> list[float]:
    """The latencies, and those of the requests that a connection did not send while it waited longer than `interval`:
    each would have waited for what was left.
    """
    found = list(latencies)
    for latency in latencies:
        found += [latency - missed * interval for missed in range(1, math.ceil(latency / interval))]
    return found


def _milliseconds(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; infinite where nothing was answered."""
    if not ordered:
        return math.inf
    return round(1_000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)


@contextmanager
def _writing(client: Client, say: Say) -> Iterator[str]:
    """The id of a campaign that writes trial after trial until the block ends, when it is stopped."""
    writer = client.create_campaign(WRITER).id
    try:
        say("waiting for the campaign that writes")
        deadline = time.monotonic() + SETTLE_SECONDS
        while (now := client.campaign(writer)).trials_finished < WRITER_SETTLES_AFTER:
            if now.state not in ("pending", "running") or time.monotonic() > deadline:
                raise EffspineError(
                    f"the campaign that writes is {now.state} with {now.trials_finished} trials after "
                    f"{SETTLE_SECONDS:.0f} s: {now.error or 'no reason given'}"
                )
            time.sleep(0.5)
        yield writer
    finally:
        client.stop_campaign(writer)


def _rate(client: Client, writer: str, during: Callable[[], None]) -> float:
    """How many trials a second the campaign finishes meanwhile."""
    before, begun = client.campaign(writer).trials_finished, time.monotonic()
    during()
    return (client.campaign(writer).trials_finished - before) / (time.monotonic() - begun)


def _middle(url: str, campaign: CampaignDocument, order: str) -> str:
    """A cursor half-way down the list of its trials."""
    half = campaign.trials_begun // 2
    limit, cursor = min(half, MAX_LIMIT), None
    for _ in range(half // limit):
        query: dict[str, str | int] = {
            "order_by": order,
            "limit": limit,
            **({} if cursor is None else {"cursor": cursor}),
        }
        answer = httpx.get(f"{url}/v1/campaigns/{campaign.id}/trials", params=query, trust_env=False)
        cursor = answer.raise_for_status().json()["next_cursor"]
    return str(cursor)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
