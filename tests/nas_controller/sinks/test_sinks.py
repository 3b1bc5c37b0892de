"""TensorBoard files and MLflow runs: whole, without double points, and continued after a kill at any moment."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nas_controller.entities.sinks import SinkPosition
from nas_controller.sinks.sink import SinkError
from nas_controller.sinks.syncing import sync
from nas_controller.sinks.tensorboard import TensorBoardSink
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision import sink_loop
from nas_controller.supervision.sink_loop import SinkLoop, StoredRecord
from tests.support.databases import migrated_sqlite
from tests.support.processes import THREADS
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, run_to_the_end

if importlib.util.find_spec("mlflow") is None and "EFFSPINE_REQUIRE_MLFLOW" not in os.environ:
    needs_mlflow = pytest.mark.skip(reason="MLflow is not installed")
else:
    needs_mlflow = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRIALS = 12


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with a campaign that has ended."""
    path = tmp_path_factory.mktemp("recorded") / "effspine.db"
    store = Store.open(migrated_sqlite(path), Clock())
    run_to_the_end(claimed_campaign(store, create(store, name="Cars & trucks", trials=TRIALS)), seed=1, parallelism=3)
    yield store
    store.close()


@pytest.fixture
def source(recorded: Store, monkeypatch: pytest.MonkeyPatch) -> StoredRecord:
    """Its record, read in small batches."""
    monkeypatch.setattr(sink_loop, "_EVENTS_PER_READ", 7)
    return StoredRecord(recorded, recorded.reads.list_campaigns().items[0].id)


class KilledError(Exception):
    """The process ends here."""


def killed_after(saves: int) -> Any:
    """A `save` that ends the process instead of saving, after so many times."""
    done: list[SinkPosition] = []

    def save(position: SinkPosition) -> None:
        if len(done) == saves:
            raise KilledError
        done.append(position)

    return save, done


def records(path: Path) -> list[Any]:
    """The records of an event file, with their checksums verified by TensorFlow."""
    from proxy_trainer.engine.runtime import start, tf

    start(THREADS)  # other tests of this process may train
    return [tf.compat.v1.Event.FromString(each.numpy()) for each in tf.data.TFRecordDataset(str(path))]


def test_an_event_file_has_every_outcome_the_specification_and_the_best(source: StoredRecord, tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    position, added = sync(source, sink, SinkPosition())
    assert (position.written, added) == (TRIALS + 2, TRIALS + 2)
    path = sink.path(source)
    assert path.parent.name == f"cars-trucks-{source.campaign().id}"
    version, first, *outcomes, last = records(path)
    assert version.file_version == "brain.Event:2"
    tags = [value.tag for value in first.summary.value]
    assert tags == ["_hparams_/experiment", "_hparams_/session_start_info", "specification/text_summary"]
    assert [each.step for each in outcomes] == list(range(TRIALS))
    found = {value.tag: value.simple_value for value in outcomes[-1].summary.value}
    campaign = source.campaign()
    assert found["reward/best"] == pytest.approx(campaign.best_reward)
    assert found["reward/baseline"] == pytest.approx(campaign.baseline_reward)
    assert 0.9 < found["policy/entropy"] <= 1.01
    text = {value.tag: value.tensor.string_val[0].decode() for value in last.summary.value}
    assert text["state/text_summary"] == "completed"
    assert '"width"' in text[f"best/trial-{campaign.best_trial}/text_summary"]


def test_an_event_file_is_the_same_after_a_kill_at_any_byte(source: StoredRecord, tmp_path: Path) -> None:
    whole = TensorBoardSink(tmp_path / "whole")
    sync(source, whole, SinkPosition())
    content = whole.path(source).read_bytes()
    cut = TensorBoardSink(tmp_path / "cut")
    path = cut.path(source)
    path.parent.mkdir(parents=True)
    for size in [*range(0, len(content), 97), len(content) - 1, len(content)]:
        path.write_bytes(content[:size])
        sync(source, TensorBoardSink(tmp_path / "cut"), SinkPosition())
        assert path.read_bytes() == content


def test_an_event_file_is_the_same_after_a_kill_before_any_position_was_saved(
    source: StoredRecord, tmp_path: Path
) -> None:
    whole = TensorBoardSink(tmp_path / "whole")
    sync(source, whole, SinkPosition())
    for saves in range(4):
        directory = tmp_path / str(saves)
        save, done = killed_after(saves)
        with pytest.raises(KilledError):
            sync(source, TensorBoardSink(directory), SinkPosition(), save)
        position = done[-1] if done else SinkPosition()
        sync(source, TensorBoardSink(directory), position)
        assert TensorBoardSink(directory).path(source).read_bytes() == whole.path(source).read_bytes()


def test_a_file_that_was_removed_is_written_again(source: StoredRecord, tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    position, _ = sync(source, sink, SinkPosition())
    content = sink.path(source).read_bytes()
    sink.path(source).unlink()
    assert sync(source, sink, position) == (position, TRIALS + 2)
    assert sink.path(source).read_bytes() == content
    assert sync(source, sink, position) == (position, 0)


@needs_mlflow
def test_a_run_of_mlflow_has_every_outcome_once_after_a_kill(
    source: StoredRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nas_controller.sinks.mlflow import MlflowSink

    monkeypatch.chdir(tmp_path)  # where MLflow writes the artifacts of a database
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    uri = sqlite_url(tmp_path / "mlflow.db")
    save, _ = killed_after(1)
    with pytest.raises(KilledError):
        sync(source, MlflowSink(uri), SinkPosition(), save)
    sink = MlflowSink(uri)
    sync(source, sink, SinkPosition())
    assert sync(source, MlflowSink(uri), SinkPosition())[1] == 0
    client, campaign = sink._connected(), source.campaign()
    (run,) = client.search_runs([client.get_experiment_by_name("effspine").experiment_id])
    history = client.get_metric_history(run.info.run_id, "reward/trial")
    assert [point.step for point in history] == list(range(TRIALS))
    assert run.data.metrics["reward/best"] == campaign.best_reward
    assert run.data.params["trials"] == str(TRIALS)
    assert run.data.params["search_space.base"] == "sp-efficientnet-b0"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Cars & trucks")
    assert run.data.tags["effspine.best_trial"] == str(campaign.best_trial)
    paths = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert paths == {"specification.json", "best"}


class Away(TensorBoardSink):
    """A sink whose server is away."""

    def append(self, *arguments: Any) -> None:
        raise SinkError("nobody answers at http://mlflow")


def test_a_sink_that_is_away_is_logged_once_and_tried_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    campaign_ids = [create(store, trials=2), create(store, trials=2)]
    for campaign_id in campaign_ids:
        run_to_the_end(claimed_campaign(store, campaign_id))
    away = SinkLoop(store, Away(tmp_path), "s-1")
    assert [away.step() for _ in range(3)] == [True, True, False]
    assert [record.message for record in caplog.records] == [
        f"campaign {max(campaign_ids)}: nobody answers at http://mlflow; it is tried again"
    ]
    assert away.error == "nobody answers at http://mlflow"
    back = SinkLoop(store, TensorBoardSink(tmp_path), "s-2")
    assert [back.step() for _ in range(3)] == [True, True, False]
    assert back.error is None
    assert len(list(tmp_path.glob("*/events.out.tfevents.*"))) == 2


def test_a_sink_fails_until_every_campaign_is_written_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_loop, "RETRY_SECONDS", 0.0)
    first, second = create(store, trials=2), create(store, trials=2)
    for campaign_id in (first, second):
        run_to_the_end(claimed_campaign(store, campaign_id))
    unreadable = {first}

    class Partly(TensorBoardSink):
        """A sink that some campaigns cannot be written to."""

        def append(self, source: Any, *arguments: Any) -> None:
            if source.campaign().id in unreadable:
                raise SinkError("no space left")
            super().append(source, *arguments)

    loop = SinkLoop(store, Partly(tmp_path), "s-1")
    assert all(loop.step() for _ in range(4))
    assert loop.error == "no space left"
    unreadable.clear()
    while loop.step():
        assert loop.error in ("no space left", None)
    assert loop.error is None


def test_a_record_that_cannot_be_read_does_not_keep_the_others_from_a_sink(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = create(store, trials=2), create(store, trials=2)
    for campaign_id in (first, second):
        run_to_the_end(claimed_campaign(store, campaign_id))

    class Strict(TensorBoardSink):
        """A sink that the newest campaign cannot be shown in."""

        def append(self, source: Any, *arguments: Any) -> None:
            if source.campaign().id == max(first, second):
                raise KeyError("best")
            super().append(source, *arguments)

    loop = SinkLoop(store, Strict(tmp_path), "s-1")
    assert [loop.step() for _ in range(3)] == [True, True, False]
    assert loop.error == "KeyError: 'best'"
    assert [record.message for record in caplog.records] == [
        f"campaign {max(first, second)}: KeyError: 'best'; it is tried again"
    ]
    assert len(list(tmp_path.glob("*/events.out.tfevents.*"))) == 1
    sink = TensorBoardSink(tmp_path)
    claim = store.runner.sinks.claim_sink(sink.name, sink.target, "s-2")
    assert claim is not None  # the claim of the first was released
    assert claim.campaign_id == max(first, second)


def test_one_supervisor_at_a_time_writes_a_campaign(store: Store, tmp_path: Path, clock: Clock) -> None:
    campaign_id = create(store, trials=2)
    run_to_the_end(claimed_campaign(store, campaign_id))
    sink = TensorBoardSink(tmp_path)
    claim = store.runner.sinks.claim_sink(sink.name, sink.target, "s-1")
    assert claim is not None
    assert store.runner.sinks.claim_sink(sink.name, sink.target, "s-2") is None
    clock.advance(121)  # the first was killed
    assert SinkLoop(store, sink, "s-2").step()
    assert not SinkLoop(store, sink, "s-2").step()
    elsewhere = TensorBoardSink(tmp_path / "elsewhere")
    assert SinkLoop(store, elsewhere, "s-2").step()  # another directory has nothing of it
    files = [each.path(StoredRecord(store, campaign_id)).read_bytes() for each in (sink, elsewhere)]
    assert files[0] == files[1]
