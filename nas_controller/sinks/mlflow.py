"""A run of MLflow for each campaign, in the experiment `effspine` or the one that MLFLOW_EXPERIMENT_NAME names.

A run is found by its tag `effspine.campaign_id`. Its tag `effspine.entries` is written together with the metrics of
these entries; metrics that are there without it, since a server was killed in between, are known by their steps and
times and are not logged again. Everything else that is written replaces itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, ClassVar

from nas_controller.sinks.descriptions import finals_scalars, finals_table, hyperparameters, json_text
from nas_controller.sinks.entries import Entry
from nas_controller.sinks.record_source import RecordSource
from nas_controller.sinks.sink import SinkError
from nas_controller.states import CampaignState
from search_space.errors import InvalidValueError
from search_space.secret_urls import displayed_url, without_secrets

EXPERIMENT = "effspine"
CAMPAIGN_TAG, ENTRIES_TAG, STATE_TAG, BEST_TAG = (
    f"effspine.{name}" for name in ("campaign_id", "entries", "state", "best_trial")
)
MAX_PARAM_LENGTH = 500
_ENTRIES_PER_BATCH = 150  # MLflow takes at most 1,000 metrics at once
_PARAMS_PER_BATCH = 100
_STATUS: dict[CampaignState, str] = {"completed": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing is sent to others than the server that is asked for
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # whoever writes a sink tries again itself
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


class MlflowSink:
    """Runs at the tracking server, or in the store, at `uri`. Raises InvalidValueError where MLflow is not
    installed.
    """

    name: ClassVar[str] = "mlflow"

    def __init__(self, uri: str) -> None:
        if find_spec("mlflow") is None:
            raise InvalidValueError(
                "MLflow is not installed; install effspine with its extra 'mlflow'", field="mlflow_tracking_uri"
            )
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self._uri = uri
        self._client: Any = None
        self._latest: dict[str, dict[str, tuple[int, int]]] = {}  # by run, step and time of each metric

    @property
    def target(self) -> str:
        """The digest of the address."""
        return hashlib.sha256(self._uri.encode()).hexdigest()

    def count(self, source: RecordSource) -> int:
        """The number of entries that the run of a campaign has, 0 without one."""
        with self._translated():
            run = self._find(source)
            return 0 if run is None else int(run.data.tags.get(ENTRIES_TAG, 0))

    def append(self, source: RecordSource, entries: Sequence[Entry]) -> None:
        """Logs entries to the run, which is created first where there is none."""
        with self._translated():
            run = self._find(source) or self._create(source)
            written = int(run.data.tags.get(ENTRIES_TAG, 0))
            for batch in _batches(entries):
                written += len(batch)
                if batch[0].about != "outcome":
                    self._describe(source, run, batch[0])
                self._log(run.info.run_id, batch, {ENTRIES_TAG: str(written)})

    def _find(self, source: RecordSource) -> Any:
        experiment = self._connected().get_experiment_by_name(_experiment())
        if experiment is None:
            return None
        condition = f"tags.`{CAMPAIGN_TAG}` = '{source.campaign().id}'"
        runs = self._connected().search_runs([experiment.experiment_id], condition, order_by=["start_time ASC"])
        return runs[0] if runs else None

    def _create(self, source: RecordSource) -> Any:
        client, campaign = self._connected(), source.campaign()
        experiment = client.get_experiment_by_name(_experiment())
        experiment_id = client.create_experiment(_experiment()) if experiment is None else experiment.experiment_id
        started = campaign.started_at or campaign.created_at
        tags = {CAMPAIGN_TAG: campaign.id, STATE_TAG: "running", ENTRIES_TAG: "0"}
        return client.create_run(
            experiment_id, start_time=int(started.timestamp() * 1000), tags=tags, run_name=campaign.name
        )

    def _describe(self, source: RecordSource, run: Any, entry: Entry) -> None:
        """Logs what an entry is about, besides its metrics."""
        client, run_id = self._connected(), run.info.run_id
        if entry.about == "specification":
            self._log_parameters(source, run)
            client.log_text(run_id, json_text(source.specification()), "specification.json")
        elif entry.about == "finals" and (report := source.finals()) is not None:
            self._log(run_id, [entry._replace(scalars=finals_scalars(report))], {})
            client.log_text(run_id, finals_table(report), "finals.md")
        elif entry.about == "end":
            if entry.best is not None:
                client.log_text(run_id, source.architecture(entry.best), f"best/trial-{entry.best}.json")
                client.set_tag(run_id, BEST_TAG, str(entry.best))
            client.set_tag(run_id, STATE_TAG, entry.state)
            client.set_terminated(run_id, _STATUS[entry.state], int(entry.at.timestamp() * 1000))
        elif entry.about == "reopened":
            client.set_tag(run_id, STATE_TAG, entry.state)
            client.update_run(run_id, status="RUNNING")

    def _log_parameters(self, source: RecordSource, run: Any) -> None:
        """Logs the hyperparameters that the run does not have; MLflow lets none change."""
        from mlflow.entities import Param

        known = self._connected().get_run(run.info.run_id).data.params
        found = hyperparameters(source.specification()).items()
        new = [Param(name, str(value)[:MAX_PARAM_LENGTH]) for name, value in found if name not in known]
        for start in range(0, len(new), _PARAMS_PER_BATCH):
            self._connected().log_batch(run.info.run_id, params=new[start : start + _PARAMS_PER_BATCH])

    def _log(self, run_id: str, entries: Sequence[Entry], tags: dict[str, str]) -> None:
        """Logs the metrics of entries that the run does not have, and tags with them."""
        from mlflow.entities import Metric, RunTag

        latest = self._latest_of(run_id)
        metrics = [
            Metric(name, value, at, entry.step)
            for entry, at in ((each, int(each.at.timestamp() * 1000)) for each in entries)
            for name, value in entry.scalars.items()
            if (entry.step, at) > latest.get(name, (-1, 0))
        ]
        new_tags = [RunTag(name, value) for name, value in tags.items()]
        self._connected().log_batch(run_id, metrics=metrics, tags=new_tags)
        latest.update({metric.key: (metric.step, metric.timestamp) for metric in metrics})

    def _latest_of(self, run_id: str) -> dict[str, tuple[int, int]]:
        if run_id not in self._latest:
            known = self._connected().get_run(run_id).data.metrics
            histories = {key: self._connected().get_metric_history(run_id, key) for key in known}
            self._latest[run_id] = {
                key: max((point.step, point.timestamp) for point in points) for key, points in histories.items()
            }
        return self._latest[run_id]

    def _connected(self) -> Any:
        if self._client is None:
            from mlflow import MlflowClient

            self._client = MlflowClient(tracking_uri=self._uri)
        return self._client

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from requests import RequestException

        try:
            yield
        except (MlflowException, RequestException, OSError) as error:
            self._latest.clear()  # nobody knows what has arrived
            reason = without_secrets(str(error).strip().splitlines()[0] if str(error) else "", self._uri)
            raise SinkError(f"MLflow at {displayed_url(self._uri)}: {reason or type(error).__name__}") from error


def _experiment() -> str:
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Outcomes in batches; any other entry alone."""
    batch: list[Entry] = []
    for entry in entries:
        if batch and (entry.about != "outcome" or batch[0].about != "outcome" or len(batch) == _ENTRIES_PER_BATCH):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch
