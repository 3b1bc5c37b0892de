"""Records of every kind that a page shows, in the data directory of a service without a supervisor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from api.http.examples import EXAMPLE_RESPONSES
from api.settings import DATABASE_FILE
from nas_controller.search.outcomes import Failed
from nas_controller.store import Store, sqlite_url
from nas_controller.trainings.files import run_directory
from search_space.datasets import preview_file, registration_file, write_registration, write_report
from search_space.run_files import HISTORY
from tests.support.databases import migrated_sqlite
from tests.support.recorded_finals import recorded_finals
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trainings import progress_at, training_request

DATASET = "birds"
REPORT = EXAMPLE_RESPONSES["get", "/v1/datasets/{name}"]["report"]
ROW = EXAMPLE_RESPONSES["get", "/v1/trainings/{training_id}/history"]["items"][0]
FIGURES = {"ap": 0.25, "ap50": 0.5, "ap_small": None}
RUNNING_TRIALS = 45
"""More than two pages of the table, and enough for all figures."""


@dataclass(frozen=True)
class Recorded:
    """The ids of the records."""

    draft: str
    running: str
    paused: str
    with_finals: str
    failed: str
    training: str


@contextmanager
def new_store(data_dir: Path, clock: Clock | None = None) -> Iterator[Store]:
    """The store of the service with this data directory; its database is created if there is none."""
    path = data_dir / DATABASE_FILE
    url = sqlite_url(path) if path.exists() else migrated_sqlite(path)
    store = Store.open(url) if clock is None else Store.open(url, clock)
    yield store
    store.close()


def record_pages(data_dir: Path) -> Recorded:
    """Writes all of them."""
    with new_store(data_dir) as store:
        draft = store.service.create_campaign(synthetic_spec(name="not started"), draft=True).id
        running = _running(store)
        paused = store.service.create_campaign(synthetic_spec(name="paused for now")).id
        store.service.request_pause(paused)
        failed = _failed(store)
        training = _training(store, data_dir)
    clock = Clock()
    with new_store(data_dir, clock) as store:
        *_, with_finals = recorded_finals(store, clock)
    write_dataset(data_dir)
    return Recorded(draft, running, paused, with_finals, failed, training)


def _running(store: Store) -> str:
    """With a repeat, a failed trial, and one in training."""
    recorder = Recorder(store, trials=60, name="still running", stop={"no_improvement_trials": 1000})
    recorder.run(RUNNING_TRIALS - 5)
    recorder.fail(recorder.begin(), "the loss is not finite", log_tail="step 3: loss nan")
    recorder.run(RUNNING_TRIALS)
    work = recorder.begin()
    for step in (10, 20):
        recorder.campaign.progress(work, step, 40, {"loss": 2.0 / step})
    store.service.update_campaign(
        recorder.id, {"notes": "Compared with the paper's proxies.", "tags": ["first", "small"]}
    )
    return recorder.id


def _failed(store: Store) -> str:
    recorder = Recorder(store, trials=20, name="without its images").run(3)
    failed = Failed("stop", "image 17 of the data set is missing", "unreadable-image", "a line of the log")
    recorder.campaign.complete(recorder.begin(), failed)
    return recorder.id


def _training(store: Store, data_dir: Path) -> str:
    training = store.service.create_training(training_request()).id
    store.runner.training_queue.claim("s-1")
    steps = range(10, 60, 10)
    rows = [{**ROW, "step": step, "epoch": step / 50, "metrics": FIGURES if step == 50 else None} for step in steps]
    directory = run_directory(data_dir, training)
    directory.mkdir(parents=True)
    (directory / HISTORY).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    progress = progress_at(50, epoch=1.0, last=0.25, best=0.25, best_step=50)
    store.runner.record_training_progress(training, 1, progress, 7.5, FIGURES, is_evaluated=True)
    return training


def write_dataset(data_dir: Path) -> None:
    """Writes DATASET, a registered data set with a preview; of its images only the report is needed."""
    directory = data_dir / "birds"
    directory.mkdir()
    report: dict[str, Any] = {"path": str(directory), "refusals": [], **REPORT}
    report["splits"] = {"train": {**REPORT["splits"]["train"], "missing_images": [], "unreadable_images": []}}
    write_report(data_dir, DATASET, report)
    Image.new("RGB", (640, 320), "seagreen").save(preview_file(data_dir, DATASET))
    write_registration(registration_file(data_dir, DATASET), directory)
