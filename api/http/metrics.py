"""The metrics at /metrics, in Prometheus' text format.

Campaign metrics are read from the database at each scrape: they survive restarts and are the same in every process, so
aggregate several processes with the maximum, not the sum. Request metrics are counters of each process, as Prometheus
expects of each target; `rate()` handles their reset at a restart.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from nas_controller.search.outcomes import WORKER_KILLED
from nas_controller.store.totals import QUEUE_BOUNDS_SECONDS, Totals

REQUEST_BOUNDS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServiceMetrics:
    """The metrics of one service, in its own registry.

    `totals` returns the database's totals and `supervisors` the number alive. Both can raise StoreError; then the whole
    scrape fails, since missing metrics would look like zeros. `data_dir` is the directory whose disk is measured.
    """

    def __init__(self, totals: Callable[[], Totals], supervisors: Callable[[], int], data_dir: Path) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "effspine_http_requests", "Requests handled.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "effspine_http_request_seconds",
            "Time to handle a request; for an event stream, its duration.",
            ["method", "route"],
            buckets=REQUEST_BOUNDS_SECONDS,
            registry=self.registry,
        )
        free = Gauge(
            "effspine_data_dir_free_bytes", "Free space on the disk of the data directory.", registry=self.registry
        )
        free.set_function(lambda: _number(free_bytes(data_dir)))
        self.registry.register(_DatabaseCollector(totals, supervisors))

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request. The callers bound the number of methods and routes, which are path templates."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format. Raises StoreError if the database cannot be read."""
        return generate_latest(self.registry)


def free_bytes(data_dir: Path) -> int | None:
    """The free space on the disk of the data directory, which may not exist yet; None if the disk does not answer."""
    try:
        existing_dir = next(path for path in (data_dir, *data_dir.parents) if path.is_dir())
        return shutil.disk_usage(existing_dir).free
    except OSError:
        return None


def _number(value: int | None) -> float:
    return math.nan if value is None else value


class _DatabaseCollector(Collector):
    """Metrics that are read from the database."""

    def __init__(self, totals: Callable[[], Totals], supervisors: Callable[[], int]) -> None:
        self._totals = totals
        self._supervisors = supervisors

    def describe(self) -> Iterable[Metric]:
        return ()  # called at registration, when the database may not be readable yet

    def collect(self) -> Iterable[Metric]:
        totals = self._totals()
        yield _by("state", GaugeMetricFamily, "effspine_campaigns", "Campaigns by state.", totals.campaigns)
        yield _by("state", GaugeMetricFamily, "effspine_trials", "Trials by state.", totals.trials)
        yield CounterMetricFamily("effspine_trials_begun", "Trials begun.", totals.trials_begun)
        yield CounterMetricFamily("effspine_trials_finished", "Trials with an outcome.", totals.trials_finished)
        yield CounterMetricFamily(
            "effspine_rewards_accepted",
            "Rewards accepted, one per trained trial; repeats and failures do not count.",
            totals.rewards_accepted,
        )
        yield _by(
            "kind",
            CounterMetricFamily,
            "effspine_worker_restarts",
            "Attempts that ended because their worker died (worker-killed) or their runner was lost (runner-lost).",
            {WORKER_KILLED: totals.workers_killed, "runner-lost": totals.attempts_lost},
        )
        bounds = [str(bound) for bound in QUEUE_BOUNDS_SECONDS]
        yield HistogramMetricFamily(
            "effspine_campaign_queue_wait_seconds",
            "From a campaign's creation, or a draft's start, to its first runner, without pauses.",
            [*zip(bounds, totals.queue_counts, strict=True), ("+Inf", totals.queue_count)],
            totals.queue_seconds,
        )
        yield SummaryMetricFamily(
            "effspine_attempt_first_report_seconds",
            "From the start of an attempt to its first report of progress, including the wait for a worker.",
            totals.first_reports,
            totals.first_report_seconds,
        )
        yield GaugeMetricFamily(
            "effspine_supervisors_alive", "Supervisors seen within 30 seconds.", self._supervisors()
        )


def _by(
    label: str,
    family: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    documentation: str,
    values: Mapping[str, int],
) -> Metric:
    """A metric with one sample per value of `label`."""
    metric = family(name, documentation, labels=[label])
    for value, count in values.items():
        metric.add_metric([value], count)
    return metric
