"""Detections of a trial beside the baseline's: made with the weights that both have, in images that were held out."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.exports.detections import Compared, compared, detections_request, read_detections, read_member
from nas_controller.exports.files import export_file
from nas_controller.store import CampaignRecord, ConflictError, ExportRecord, Store
from nas_controller.supervision.export_job import run as run_export
from nas_controller.supervision.phases import Machine
from nas_controller.supervision.runner import run
from tests.support.databases import migrated_sqlite
from tests.support.processes import THREADS
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import synthetic_spec

TINY = {"image_px": 32, "width_multiplier": 0.1, "batch_size": 2, "subnet_width": 4, "recalibration_images": 8}
SHARED = {"profile": "smoke", **TINY, "kind": "shared", "shared_steps": 4, "steps": 0, "warmup_steps": 0}
FINALS = {"profile": "smoke", **TINY, "top": 1, "seeds": 1, "steps": 3, "warmup_steps": 1}
LOW = 0.001


class Searched(NamedTuple):
    """A completed search of two trials with shared weights, and a final of each."""

    store: Store
    data_dir: Path
    campaign: CampaignRecord

    def made(self, pair: Compared, lowest_score: float = LOW) -> ExportRecord:
        """Detections of a trial, made as their process does."""
        export = self.store.service.request_export(detections_request(pair, lowest_score))
        assert self.store.runner.export_queue.claim("s-1") is not None
        run_export(self.store, self.data_dir, export.id, export.attempts + 1)
        return self.store.reads.get_export(export.id)

    def pair(self, trial: int) -> Compared:
        """A trial beside the baseline."""
        return compared(self.store, self.data_dir, self.campaign.id, trial)


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
        for module in ("proxy_worker", "detectors"):
            monkeypatch.setattr(f"proxy_trainer.training.{module}.Engine", engine_pool.shared_engine)
        run(campaign_id, store, data_dir, "runner", 600, Machine(executor=InProcessExecutor()))
        campaign = store.reads.get_campaign(campaign_id)
        assert (campaign.state, campaign.error) == ("completed", None)
        yield Searched(store, data_dir, campaign)
    store.close()


def test_a_trial_is_compared_with_weights_of_the_kind_that_the_baseline_has_too(searched: Searched) -> None:
    pair = searched.pair(1)
    assert (pair.weights.kind, pair.baseline_weights.kind) == ("finals", "finals")
    assert (pair.trial.trial.number, pair.baseline.trial.number) == (1, 0)
    for directory in (searched.data_dir / "models" / searched.campaign.id).glob("trial-0-*"):
        directory.rename(searched.data_dir / directory.name)
        assert searched.pair(1).weights.kind == "shared"
        (searched.data_dir / directory.name).rename(directory)


@pytest.mark.parametrize("kind", ["finals", "shared"])
def test_the_pictures_show_the_boxes_of_the_data(searched: Searched, kind: str) -> None:
    made = searched.made(searched.pair(1)) if kind == "finals" else _shared(searched)
    assert (made.state, made.error) == ("completed", None)
    path = export_file(searched.data_dir, made)
    document = read_detections(path)
    images = document["images"]
    assert (document["lowest_score"], document["of_images"], len(images)) == (LOW, 16, 6)
    annotations = json.loads((searched.data_dir / "datasets/digits/annotations/instances_val.json").read_text())
    ids = {each["file_name"]: each["id"] for each in annotations["images"]}
    for image in images:
        boxes = [each["bbox"] for each in annotations["annotations"] if each["image_id"] == ids[image["file_name"]]]
        corners = sorted([x, y, x + width, y + height] for x, y, width, height in boxes)
        assert sorted(each["box"] for each in image["objects"]["truth"]) == [pytest.approx(box) for box in corners]
        for name in ("truth", "trial", "baseline"):
            with Image.open(io.BytesIO(read_member(path, image["pictures"][name]))) as picture:
                assert max(picture.size) >= 480
    assert any(image["objects"]["trial"] for image in images)
    assert all(each["score"] >= LOW for image in images for each in image["objects"]["trial"])
    assert any(image["objects"]["trial"] != image["objects"]["baseline"] for image in images)


def _shared(searched: Searched) -> ExportRecord:
    """Made while the models of the finals are away."""
    models = searched.data_dir / "models"
    models.rename(searched.data_dir / "away")
    try:
        return searched.made(searched.pair(1))
    finally:
        (searched.data_dir / "away").rename(models)


def test_the_baseline_has_no_other_beside_it(searched: Searched) -> None:
    made = searched.made(searched.pair(0), 0.5)
    (first, *_) = read_detections(export_file(searched.data_dir, made))["images"]
    assert first["objects"].keys() == first["pictures"].keys() == {"truth", "trial"}


def test_what_a_request_depends_on_makes_it_another(searched: Searched) -> None:
    pair = searched.pair(1)
    key = detections_request(pair, 0.3).cache_key
    other = pair._replace(baseline_weights=pair.baseline_weights._replace(digest="0"))
    assert key == detections_request(searched.pair(1), 0.3).cache_key
    assert len({key, detections_request(pair, 0.2).cache_key, detections_request(other, 0.3).cache_key}) == 3


def test_changed_annotations_of_the_images_fail_it_with_the_reason(searched: Searched) -> None:
    annotations = searched.data_dir / "datasets/digits/annotations/instances_val.json"
    content = annotations.read_text()
    document = json.loads(content)
    for each in document["annotations"]:
        each["bbox"][0] += 1
    annotations.write_text(json.dumps(document))
    failed = searched.made(searched.pair(1), 0.4)
    annotations.write_text(content)
    assert failed.state == "failed"
    assert "their annotations have changed" in (failed.error or "")


def test_trials_without_kept_weights_are_refused_with_the_reason(searched: Searched) -> None:
    recorder = Recorder(searched.store).run(2)
    with pytest.raises(ConflictError, match="trial 1 was not trained: the profile 'synthetic' computes rewards"):
        compared(searched.store, searched.data_dir, recorder.id, 1)
    alone = Recorder(searched.store, proxy_task={"profile": "smoke"}, dataset="digits").run(2)
    with pytest.raises(ConflictError, match="trial 1 was trained alone, and the weights of such a trial are not kept"):
        compared(searched.store, searched.data_dir, alone.id, 1)
    shared = Recorder(searched.store, proxy_task={"profile": "laptop"}, dataset="digits").run(1)
    with pytest.raises(ConflictError, match="the shared weights that trial 0 is a slice of are not there"):
        compared(searched.store, searched.data_dir, shared.id, 0)
