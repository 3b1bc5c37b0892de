"""Counters that the service shows at /metrics, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True)
class StoreCounts:
    """What the store holds: campaigns by state, and the sums of their trials begun and finished."""

    campaigns: Mapping[str, int]
    trials_begun: int
    trials_finished: int


class ServiceMetrics:
    """The counters of one service; each service has its own registry."""

    def __init__(self, count_store: Callable[[], StoreCounts]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "effspine_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "effspine_http_request_seconds", "Time to answer a request.", ["method", "route"], registry=self.registry
        )
        self.registry.register(_StoreCollector(count_store))

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answered request under its route's template, never under its full path."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self.registry)


class _StoreCollector(Collector):
    """Campaigns and trials, counted in the store at the moment they are asked for."""

    def __init__(self, count_store: Callable[[], StoreCounts]) -> None:
        self._count_store = count_store

    def describe(self) -> Iterable[Metric]:
        return _families()

    def collect(self) -> Iterable[Metric]:
        counts = self._count_store()
        campaigns, begun, finished = families = _families()
        for state, count in counts.campaigns.items():
            campaigns.add_metric([state], count)
        begun.add_metric([], counts.trials_begun)
        finished.add_metric([], counts.trials_finished)
        return families


def _families() -> tuple[GaugeMetricFamily, CounterMetricFamily, CounterMetricFamily]:
    return (
        GaugeMetricFamily("effspine_campaigns", "Campaigns by state.", labels=["state"]),
        CounterMetricFamily("effspine_trials_begun", "Trials begun, over all campaigns.", labels=[]),
        CounterMetricFamily("effspine_trials_finished", "Trials finished, over all campaigns.", labels=[]),
    )
