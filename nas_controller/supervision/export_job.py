"""Makes one export in a process: `python -m nas_controller.supervision.export_job ID --attempt N --data-dir DIR`.

The process may be killed at any moment: the supervisor starts another. It imports the trainer or whatever a format
needs, so that neither the API nor the supervisor does. It ends on SIGTERM, and when its standard input closes because
its supervisor has died.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from exporters import EXPORTERS, Export
from nas_controller.exports.detections import DETECTIONS
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.files import LIMIT_BYTES, attempt_directory, export_file, make_room, remove_other_attempts
from nas_controller.exports.load_weights import load_weights
from nas_controller.exports.make_detections import detections_content
from nas_controller.store import (
    ExportRecord,
    LeaseLostError,
    Store,
    StoreError,
    StoreUnavailableError,
    StoreVersionError,
)
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE, EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS
from nas_controller.supervision.stdin_watch import watch_stdin
from nas_controller.trainings.exports import trained_model
from search_space.atomic_file import write_atomically
from search_space.datasets import dataset_location
from search_space.errors import EffspineError

logger = logging.getLogger(__name__)


def run(store: Store, data_dir: Path, export_id: str, attempt: int, limit_bytes: int = LIMIT_BYTES) -> int:
    """Makes the export, writes its file and its result, and returns an exit status.

    An EffspineError, such as that of a format that cannot express the architecture or of weights that are gone, and a
    file that cannot be read or written are the result of the export. Raises StoreUnavailableError, StoreVersionError,
    and what a format raises unexpectedly.
    """
    try:
        record = store.reads.get_export(export_id)
        try:
            content = _content(store, data_dir, record, attempt)
            write_atomically(export_file(data_dir, record), content)
        except (StoreUnavailableError, StoreVersionError, LeaseLostError):
            raise
        except (EffspineError, OSError) as error:
            logger.exception("export %s failed", export_id)
            store.runner.fail_export(export_id, attempt, str(error))
            return EXIT_DONE
        store.runner.complete_export(export_id, attempt, len(content), hashlib.sha256(content).hexdigest())
    except LeaseLostError as error:
        logger.warning("%s", error)
        shutil.rmtree(attempt_directory(data_dir, export_id, attempt), ignore_errors=True)
        return EXIT_NOT_OURS
    remove_other_attempts(data_dir, export_id, attempt)
    make_room(store, data_dir, limit_bytes, keep=export_id)
    return EXIT_DONE


def _content(store: Store, data_dir: Path, record: ExportRecord, attempt: int) -> bytes:
    """The content of the file. Raises EffspineError."""

    def report(progress: str) -> None:
        logger.info("export %s: %s", record.id, progress)
        store.runner.record_export_progress(record.id, attempt, progress)

    if record.format == DETECTIONS:
        return detections_content(store, data_dir, record, report)
    report("preparing the weights")
    export = _of_training(store, data_dir, record) if record.campaign_id is None else _of_trial(store, data_dir, record)
    report(f"writing {record.format}")
    return EXPORTERS[record.format].content(export, Path(record.file_name).stem)


def _of_training(store: Store, data_dir: Path, record: ExportRecord) -> Export:
    training = store.reads.get_training(record.training_id or "")
    return trained_model(data_dir, training).export(data_dir, record.model or "")


def _of_trial(store: Store, data_dir: Path, record: ExportRecord) -> Export:
    exported = find_exported(store, record.campaign_id or "", record.trial)
    detector = load_weights(data_dir, exported, record.weights, record.model)
    dataset = exported.campaign.spec.dataset
    return Export(
        detector.specification,
        detector,
        baseline=exported.baseline(),
        dataset=None if dataset is None else dataset_location(data_dir, dataset),
    )


def _end_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and makes the export. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="nas_controller.supervision.export_job", description="Makes one export.")
    parser.add_argument("export_id")
    parser.add_argument("--attempt", required=True, type=int)
    parser.add_argument("--data-dir", required=True, type=Path)
    parser.add_argument("--limit-bytes", default=LIMIT_BYTES, type=int)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _end_on_signal)
    watch_stdin()
    try:
        store = Store.open(os.environ.pop(DATABASE_URL_VARIABLE))
        return run(store, options.data_dir, options.export_id, options.attempt, options.limit_bytes)
    except StoreError as error:
        logger.warning("%s", error)
        return EXIT_MUST_WAIT


if __name__ == "__main__":
    sys.exit(main())
