"""Runs one training: `python -m nas_controller.supervision.training_job ID --attempt N --data-dir DIR`.

The process has the training done by a Ray worker, as campaigns have their trials, and writes its progress and result to
the database. Both may be killed at any moment: the supervisor starts another process, which continues from the
checkpoint. On SIGTERM, and when its standard input closes because its supervisor has died, the worker saves a
checkpoint after its step, and both end.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nas_controller.entities import TrainingProgressDocument
from nas_controller.execution.executor import ClusterUnavailableError, Workers
from nas_controller.execution.network_training import NetworkProgress, NetworkTraining, Result, WorkerDiedError
from nas_controller.execution.session_directory import DiskFullError
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.load_weights import load_weights
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.states import TRIAL_STARTS
from nas_controller.store import LeaseLostError, Store, StoreError, TrainingRecord
from nas_controller.supervision.campaign_logs import log_tail
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE, EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS
from nas_controller.supervision.stdin_watch import watch_stdin
from nas_controller.supervision.stop_signal import StopSignal
from nas_controller.trainings.files import architecture_file, run_directory, start_directory, training_directory
from search_space.atomic_file import write_atomically
from search_space.datasets import dataset_path
from search_space.detector_model import save_detector
from search_space.errors import EffspineError, InvalidValueError
from search_space.run_files import BEST

REPORT_SECONDS = 2.0
"""Time between reports of progress; each evaluation is reported too."""
NICENESS = 10
"""Campaigns come first: on this machine a training takes the processor time that trials leave."""
SAVING_SECONDS = 60.0
"""How long it may go on without its supervisor until its checkpoint is written."""

Report = Callable[[NetworkProgress], None]
Train = Callable[[NetworkTraining, ResourcesSpec, Callable[[], None], Report, Callable[[], bool]], Result]
"""Trains with these resources; see `train_with_ray`."""

logger = logging.getLogger(__name__)


@dataclass
class _Reports:
    """Writes the progress of an attempt to the store. `devices` are those of its worker.

    A report that the database does not take is made again with the next one, so a training goes on without it.
    """

    store: Store
    training: TrainingRecord
    attempt: int
    devices: float
    latest: NetworkProgress | None = None
    _began: float | None = field(default=None, init=False)
    _reported: float = field(default=float("-inf"), init=False)
    _evaluated: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        known = self.training.progress
        self._evaluated = None if known is None or known.last is None else known.step

    @property
    def seconds(self) -> float:
        """Seconds since the start of the worker, summed over its devices."""
        return 0.0 if self._began is None else (time.monotonic() - self._began) * self.devices

    @property
    def document(self) -> TrainingProgressDocument:
        """The latest progress."""
        assert self.latest is not None
        names = TrainingProgressDocument.document_fields()
        return TrainingProgressDocument(**{name: getattr(self.latest, name) for name in names})

    def begin(self) -> None:
        """Says that the worker has begun."""
        self._began = time.monotonic()

    def report(self, progress: NetworkProgress) -> None:
        """Writes progress now and then, and after each evaluation. Raises LeaseLostError."""
        self.latest = progress
        is_evaluated = progress.last_step is not None and progress.last_step > (self._evaluated or 0)
        if not is_evaluated and time.monotonic() - self._reported < REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        try:
            self.store.runner.record_training_progress(
                self.training.id,
                self.attempt,
                self.document,
                self.seconds,
                progress.figures,
                is_evaluated=is_evaluated,
            )
        except LeaseLostError:
            raise
        except StoreError as error:
            logger.warning("%s", error)
            return
        if is_evaluated:
            self._evaluated = progress.last_step


def run(
    store: Store,
    data_dir: Path,
    training_id: str,
    attempt: int,
    is_stopped: Callable[[], bool],
    train: Train,
    threads: int | None = None,
) -> int:
    """Trains to the end or until `is_stopped`, writes the result, and returns an exit status.

    `threads` are those of a training whose resources name none, by default the processors of this machine.

    An EffspineError, such as a data set that does not fit the recipe, and a file that cannot be read or written are the
    result of the training; the death of its worker ends the attempt. Raises StoreError, ClusterUnavailableError,
    DiskFullError, and what the trainer raises unexpectedly.
    """
    try:
        training = store.reads.get_training(training_id)
        resources = ResourcesSpec.model_validate(training.resources)
        reports = _Reports(store, training, attempt, resources.devices)
        try:
            work = _work(store, data_dir, training, resources.cpus or threads or _processors())
            result = train(work, resources, reports.begin, reports.report, is_stopped)
        except (StoreError, ClusterUnavailableError, DiskFullError):
            raise
        except WorkerDiedError as error:
            logger.warning("%s", error)
            store.runner.training_queue.lose(training_id, attempt, str(error), log_tail(data_dir, training_id))
            return EXIT_DONE
        except (EffspineError, OSError) as error:
            logger.exception("training %s failed", training_id)
            store.runner.fail_training(training_id, attempt, str(error), reports.seconds)
            return EXIT_DONE
        if result == "busy":
            logger.warning("training %s: an earlier worker still trains", training_id)
            return EXIT_MUST_WAIT
        if result == "stopped":
            store.runner.suspend_training(training_id, attempt, reports.seconds)
            return EXIT_DONE
        assert reports.latest is not None
        assert reports.latest.figures is not None
        store.runner.complete_training(training_id, attempt, reports.document, reports.seconds, reports.latest.figures)
    except LeaseLostError as error:
        logger.warning("%s", error)
        return EXIT_NOT_OURS
    return EXIT_DONE


def _work(store: Store, data_dir: Path, training: TrainingRecord, threads: int) -> NetworkTraining:
    """What to train, with its files in the training's directory. Raises EffspineError and OSError."""
    training_directory(data_dir, training.id).mkdir(parents=True, exist_ok=True)
    architecture = training.model or ""
    if training.specification is not None:
        file = architecture_file(data_dir, training.id)
        write_atomically(file, (json.dumps(training.specification, indent=2) + "\n").encode())
        architecture = str(file)
    return NetworkTraining(
        task=training.task,
        architecture=architecture,
        data=dataset_path(data_dir, training.dataset),
        recipe=training.recipe,
        overrides=training.overrides,
        start=_start(store, data_dir, training),
        seed=training.seed,
        threads=threads,
        cache_dir=data_dir / "cache",
        out=run_directory(data_dir, training.id),
    )


def _start(store: Store, data_dir: Path, training: TrainingRecord) -> str:
    """`fresh`, or the directory of the start weights, which the first attempt writes."""
    if training.start == "fresh":
        return "fresh"
    directory = start_directory(data_dir, training.id)
    if directory.is_dir():
        return str(directory)
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    of_trial = next((kind for kind in TRIAL_STARTS if kind == training.start), None)
    if of_trial is not None:
        if training.campaign_id is None:
            raise InvalidValueError("the campaign whose weights it starts from was deleted", field="start")
        exported = find_exported(store, training.campaign_id, training.trial)
        detector = load_weights(data_dir, exported, of_trial, training.start_model, _processors())
        save_detector(detector, partial)
    else:
        shutil.copytree(run_directory(data_dir, training.start) / BEST, partial)
    partial.rename(directory)
    return str(directory)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def _with_ray(training_id: str, ray_address: str | None) -> Train:
    """Trains on this machine, or on the cluster at `ray_address`."""
    from nas_controller.execution.ray_training import Placement, train_with_ray

    def train(
        work: NetworkTraining,
        resources: ResourcesSpec,
        begin: Callable[[], None],
        report: Report,
        is_stopped: Callable[[], bool],
    ) -> Result:
        workers = Workers(1, work.threads, resources.gpus, resources.tpus)
        return train_with_ray(
            work, Placement(training_id, workers, ray_address, EXIT_MUST_WAIT), begin, report, is_stopped
        )

    return train


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and trains. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="nas_controller.supervision.training_job", description="Runs one training.")
    parser.add_argument("training_id")
    parser.add_argument("--attempt", required=True, type=int)
    parser.add_argument("--data-dir", required=True, type=Path)
    parser.add_argument("--ray-address", default=None)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = StopSignal()
    watch_stdin(hard_end_seconds=SAVING_SECONDS)
    os.nice(NICENESS)
    database_url = os.environ.pop(DATABASE_URL_VARIABLE)  # workers inherit this environment
    train = _with_ray(options.training_id, options.ray_address)
    threads = None if options.ray_address is None else 1
    try:
        store = Store.open(database_url)
        return run(store, options.data_dir, options.training_id, options.attempt, stop.is_set, train, threads)
    except (StoreError, ClusterUnavailableError, DiskFullError) as error:
        logger.warning("%s", error)
        return EXIT_MUST_WAIT


if __name__ == "__main__":
    sys.exit(main())
