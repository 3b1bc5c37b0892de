"""Finals keep their detectors, and exports of a trial have the weights that its rewards were measured with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exporters import EXPORTERS, Export
from nas_controller.campaigns.replay import verify
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.kept_models import model_directory
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.files import export_file
from nas_controller.exports.requests import export_request
from nas_controller.exports.weights import chosen, weights_of
from nas_controller.states import TrialStart, WeightsWanted
from nas_controller.store import CampaignRecord, ConflictError, ExportRecord, Store
from nas_controller.supervision import training_job
from nas_controller.supervision.export_job import run as run_export
from nas_controller.supervision.phases import Machine
from nas_controller.supervision.runner import run
from nas_controller.supervision.runner_protocol import EXIT_DONE
from nas_controller.trainings.files import history_rows, run_directory, start_directory
from nas_controller.trainings.requests import training_request
from nas_controller.trainings.spec import TrainingSpec
from search_space.coco_metrics import METRICS
from search_space.detector_model import DetectorModel, load_detector, weights_content
from search_space.run_files import BEST
from search_space.source_commit import source_commit
from tests.support.databases import migrated_sqlite
from tests.support.processes import THREADS
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trainings import train_here

TINY = {"image_px": 32, "width_multiplier": 0.1, "batch_size": 2, "subnet_width": 4, "recalibration_images": 8}
SHARED = {"profile": "smoke", **TINY, "kind": "shared", "shared_steps": 4, "steps": 0, "warmup_steps": 0}
FINALS = {"profile": "smoke", **TINY, "top": 1, "seeds": 2, "steps": 3, "warmup_steps": 1, "ema_decay": 0.5}
DIGITS = [{"id": 1, "name": "digit"}]


class Searched(NamedTuple):
    """A completed search with shared weights and finals."""

    store: Store
    data_dir: Path
    campaign: CampaignRecord

    @property
    def finalist(self) -> int:
        assert self.campaign.finals is not None
        return self.campaign.finals.finalists[0].trial

    def made(self, trial: int, wanted: WeightsWanted) -> ExportRecord:
        """An export of the format `detector`, made as its process does."""
        exported = find_exported(self.store, self.campaign.id, trial)
        request = export_request(self.store, self.data_dir, exported, EXPORTERS["detector"], wanted)
        export = self.store.service.request_export(request)
        assert self.store.runner.export_queue.claim("s-1") is not None
        run_export(self.store, self.data_dir, export.id, export.attempts + 1)
        return self.store.reads.get_export(export.id)

    def detector(self, trial: int, wanted: WeightsWanted, directory: Path) -> DetectorModel:
        """The detector in that export."""
        made = self.made(trial, wanted)
        assert (made.state, made.error) == ("completed", None)
        content = export_file(self.data_dir, made).read_bytes()
        assert hashlib.sha256(content).hexdigest() == made.sha256
        with zipfile.ZipFile(io.BytesIO(content)) as files:
            files.extractall(directory)
        return load_detector(directory / Path(made.file_name).stem)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.data.digits import make_digits
    from tests.support import engine_pool

    data_dir = tmp_path_factory.mktemp("data")
    make_digits(data_dir / "datasets" / "digits", train=40, val=32)
    store = Store.open(migrated_sqlite(data_dir / "effspine.db"))
    spec = synthetic_spec(dataset="digits", trials=2, proxy_task=SHARED, finals=FINALS, resources={"cpus": THREADS})
    campaign_id = store.service.create_campaign(spec).id
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("proxy_trainer.training.proxy_worker.Engine", engine_pool.shared_engine)
        run(campaign_id, store, data_dir, "runner", 600, Machine(executor=InProcessExecutor()))
        campaign = store.reads.get_campaign(campaign_id)
        assert (campaign.state, campaign.error) == ("completed", None)
        yield Searched(store, data_dir, campaign)
    store.close()


def test_every_training_of_the_finals_keeps_its_detector(searched: Searched) -> None:
    store, data_dir, campaign = searched
    runs = store.reads.final_runs(campaign.id)
    assert len(runs) == 4
    assert len(list((data_dir / "models" / campaign.id).iterdir())) == 4
    assert campaign.finals is not None
    for final in runs:
        kept = load_detector(model_directory(data_dir, campaign.id, f"trial-{final.trial}-seed-{final.seed}"))
        assert (kept.origin, kept.seed) == ("trained", final.seed)
        figures, training, provenance = (
            kept.specification.figures,
            kept.specification.training,
            kept.specification.provenance,
        )
        assert figures is not None
        assert training is not None
        assert figures["ap"] == final.reward
        assert (training["seed"], training["proxy_task"]["steps"]) == (final.seed, FINALS["steps"])
        assert kept.specification.classes == DIGITS
        assert (provenance["campaign"]["id"], provenance["trial"]) == (campaign.id, final.trial)
        assert provenance["data"] == campaign.finals.data
        assert provenance["versions"].keys() >= {"effspine", "python", "numpy", "tensorflow"}
    verify(store, campaign.id)


def test_the_best_weights_are_those_of_the_final_with_the_highest_ap(searched: Searched, tmp_path: Path) -> None:
    store, data_dir, campaign = searched
    exported = find_exported(store, campaign.id, searched.finalist)
    found = weights_of(store, data_dir, exported)
    assert [each.kind for each in found] == ["finals", "shared", "initial"]
    rewards = {run.seed: run.reward for run in store.reads.final_runs(campaign.id) if run.trial == searched.finalist}
    model = searched.detector(searched.finalist, "best", tmp_path)
    assert model.seed == max(rewards, key=lambda seed: (rewards[seed] or 0.0, -seed))
    assert chosen(found, "best", exported) == chosen(found, "finals", exported)
    assert f"seed {model.seed} at 32 px" in found[0].about


def test_a_slice_is_exported_as_its_trial_was_scored(searched: Searched, tmp_path: Path) -> None:
    campaign = searched.campaign
    trial = searched.store.reads.get_trial_record(campaign.id, 1)
    model = searched.detector(1, "shared", tmp_path)
    assert (model.origin, model.architecture.input_px) == ("shared", 32)
    assert model.specification.figures is not None
    assert model.specification.figures["ap"] == trial.reward
    assert campaign.data is not None
    assert {**model.specification.provenance["data"], "classes": DIGITS} == campaign.data
    assert model.architecture.class_slots == 1


def test_initial_weights_are_at_full_size(searched: Searched, tmp_path: Path) -> None:
    model = searched.detector(0, "initial", tmp_path)
    assert (model.origin, model.architecture.input_px, model.specification.figures) == ("initial", 512, None)
    assert (model.architecture.class_slots, model.specification.classes) == (1, DIGITS)


def test_a_specification_has_the_classes_and_the_training_of_the_search(searched: Searched) -> None:
    exported = find_exported(searched.store, searched.campaign.id, 1)
    document = json.loads(EXPORTERS["spec"].content(Export(exported.specification())))
    assert (document["class_slots"], document["classes"]) == (1, DIGITS)
    assert document["figures"]["ap"] == exported.trial.reward
    assert set(document["figures"]) == set(METRICS)
    assert document["training"]["proxy_task"]["shared_steps"] == SHARED["shared_steps"]
    known = {"effspine", "python", "numpy", "tensorflow"} | ({"commit"} if source_commit() else set())
    assert document["provenance"]["versions"].keys() == known
    assert document["provenance"]["versions"]["tensorflow"] == version("tensorflow")


@pytest.mark.parametrize("start", ["finals", "shared"])
def test_a_trial_is_trained_further_from_its_weights(
    searched: Searched, shared_engines: None, monkeypatch: pytest.MonkeyPatch, start: TrialStart
) -> None:
    store, data_dir, campaign = searched
    assert campaign.spec.finals is not None
    task = campaign.spec.finals_task
    names = ("image_px", "width_multiplier", "width_divisor", "subnet_width", "subnet_layers", "anchor_size")
    fields = {name: getattr(task, name) for name in names}
    overrides = {**fields, "batch_size": 2, "epochs": 1, "recalibration_images": 8}
    spec = TrainingSpec(
        campaign_id=campaign.id, trial=searched.finalist, recipe="laptop-final", overrides=overrides, start=start
    )
    training = store.service.create_training(training_request(store, data_dir, spec))
    assert store.runner.training_queue.claim("s-1") is not None
    monkeypatch.setattr(training_job, "_processors", lambda: THREADS)
    store.service.stop_training(training.id)
    assert training_job.run(store, data_dir, training.id, 1, lambda: True, train_here) == EXIT_DONE
    stopped = store.reads.get_training(training.id)
    assert (stopped.state, stopped.progress and stopped.progress.step) == ("stopped", 1)
    store.service.resume_training(training.id)
    assert store.runner.training_queue.claim("s-1") is not None
    assert training_job.run(store, data_dir, training.id, 2, lambda: False, train_here) == EXIT_DONE
    done = store.reads.get_training(training.id)
    assert (done.state, done.error) == ("completed", None)
    assert done.progress is not None
    assert done.progress.step == done.progress.steps == len(history_rows(data_dir, training.id))
    assert done.device_seconds > stopped.device_seconds > 0
    started = load_detector(start_directory(data_dir, training.id))
    best = load_detector(run_directory(data_dir, training.id) / BEST)
    assert started.origin == {"finals": "trained", "shared": "shared"}[start]
    assert best.specification.training is not None
    origin = best.specification.training["start"]
    assert origin == {"kind": "model", "sha256": hashlib.sha256(weights_content(started)).hexdigest()}
    assert best.specification.figures == done.figures
    assert best.architecture.widths == started.architecture.widths
    provenance = best.specification.provenance
    assert provenance["trial"] == searched.finalist
    claimed = find_exported(store, campaign.id, searched.finalist).versions
    assert provenance["versions"].items() >= {name: claimed[name] for name in ("effspine", "tensorflow")}.items()


def test_weights_whose_files_are_gone_or_damaged_are_not_exported(searched: Searched, tmp_path: Path) -> None:
    store, data_dir, campaign = searched
    exported = find_exported(store, campaign.id, 0)
    directories = sorted((data_dir / "models" / campaign.id).glob("trial-0-*"))
    best = weights_of(store, data_dir, exported)[0].model
    weights = data_dir / "models" / campaign.id / (best or "") / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    failed = searched.made(0, "finals")
    assert failed.state == "failed"
    assert "is not the file that config.json describes: its SHA-256 differs" in (failed.error or "")
    weights.unlink()
    assert weights_of(store, data_dir, exported)[0].model in {each.name for each in directories} - {best}
    for directory in directories:
        (directory / "config.json").rename(directory / "moved")
    assert [each.kind for each in weights_of(store, data_dir, exported)] == ["shared", "initial"]
    with pytest.raises(ConflictError, match="has no weights 'finals'; it has shared and initial"):
        chosen(weights_of(store, data_dir, exported), "finals", exported)
    for directory in directories:
        (directory / "moved").rename(directory / "config.json")
    weights.write_bytes(content)


def test_a_changed_data_set_or_shared_weights_that_are_gone_fail_the_export_of_a_slice(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, data_dir, campaign = searched
    annotations = data_dir / "datasets" / "digits" / "annotations" / "instances_train.json"
    content = annotations.read_text()
    document = json.loads(content)
    document["annotations"][0]["bbox"][0] += 1
    annotations.write_text(json.dumps(document))
    monkeypatch.setattr("nas_controller.execution.worker._warm", {})
    failed: Any = searched.made(0, "shared")
    assert failed.state == "failed"
    assert "is not the one that the earlier rewards were measured on" in failed.error
    annotations.write_text(content)
    for weights in (data_dir / "cache" / "shared").glob("*.weights"):
        weights.rename(weights.with_suffix(".away"))
    assert [each.kind for each in weights_of(store, data_dir, find_exported(store, campaign.id, 0))] == [
        "finals",
        "initial",
    ]
