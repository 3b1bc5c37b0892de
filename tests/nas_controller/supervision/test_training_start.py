"""A training that starts from another one of the record, trained for real."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from nas_controller.store import Store, TrainingRecord
from nas_controller.supervision import training_job
from nas_controller.supervision.runner_protocol import EXIT_DONE
from nas_controller.trainings.files import run_directory, start_directory
from search_space.detector_model import load_detector, weights_content
from tests.support.databases import migrated_sqlite
from tests.support.processes import THREADS
from tests.support.trainings import train_here, training_request


def trained(store: Store, data_dir: Path, training: TrainingRecord) -> TrainingRecord:
    assert store.runner.training_queue.claim("s-1") is not None
    assert training_job.run(store, data_dir, training.id, 1, lambda: False, train_here, THREADS) == EXIT_DONE
    return store.reads.get_training(training.id)


def test_it_copies_the_best_weights_of_the_earlier_training_and_trains_them_on(
    tmp_path: Path, shared_engines: None
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.data.digits import make_digits

    make_digits(tmp_path / "datasets" / "digits", train=24, val=8, image_px=64)
    store = Store.open(migrated_sqlite(tmp_path / "effspine.db"))
    earlier = trained(store, tmp_path, store.service.create_training(training_request()))
    assert (earlier.state, earlier.error) == ("completed", None)
    request = training_request(start="training", start_model=earlier.id, seed=4)
    later = trained(store, tmp_path, store.service.create_training(request))
    assert (later.state, later.error, later.start) == ("completed", None, earlier.id)
    source = load_detector(run_directory(tmp_path, earlier.id) / "best")
    digest = hashlib.sha256(weights_content(source)).hexdigest()
    assert weights_content(load_detector(start_directory(tmp_path, later.id))) == weights_content(source)
    best = load_detector(run_directory(tmp_path, later.id) / "best").specification
    assert best.training is not None
    assert best.training["start"] == {"kind": "model", "sha256": digest}
    (run_directory(tmp_path, earlier.id) / "best").rename(tmp_path / "away")
    failed = trained(store, tmp_path, store.service.create_training(request))
    assert failed.state == "failed"
    assert str(run_directory(tmp_path, earlier.id) / "best") in (failed.error or "")
    store.close()
