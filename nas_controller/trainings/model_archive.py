"""The best model of a training as a ZIP file: `<data_dir>/trainings/<id>/model/<digest>-<SHA-256>.zip`.

It is made when it is first asked for, and kept until it is asked for after a better evaluation. The digest is that of
the model's configuration, which has the digest of its weights; the SHA-256 is that of the file. Entries are stored, not
compressed, since weights do not shrink, and copied in parts, so a large model takes no memory.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nas_controller.trainings.files import run_directory, training_directory
from search_space.atomic_file import partial_path
from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE
from search_space.run_files import BEST

ATTEMPTS = 3
"""How often the model is read where a better one takes its place meanwhile."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of the entries, so that the same model gives the same bytes."""
_LOCK = ".lock"


class ModelArchive(NamedTuple):
    """A ZIP file with the model directory of the best evaluation, and the SHA-256 of the file."""

    path: Path
    sha256: str


def model_archive(data_dir: Path, training_id: str, name: str) -> ModelArchive | None:
    """The best model so far in one folder called `name`; None while there is none.

    It is made once, whoever asks at the same time. Raises OSError where it cannot be written.
    """
    best = run_directory(data_dir, training_id) / BEST
    directory = training_directory(data_dir, training_id) / "model"
    for _ in range(ATTEMPTS):
        try:
            config = (best / CONFIG_FILE).read_bytes()
        except FileNotFoundError:  # there is none, or it is being replaced
            continue
        digest = hashlib.sha256(config).hexdigest()
        if (found := _find(directory, digest)) is not None:
            return found
        directory.mkdir(exist_ok=True)
        with open(directory / _LOCK, "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = _find(directory, digest) or _make(directory, digest, best, config, name)
        if found is not None:
            return found
    return None


def _find(directory: Path, digest: str) -> ModelArchive | None:
    for path in directory.glob(f"{digest}-*.zip"):
        return ModelArchive(path, path.stem.rpartition("-")[2])
    return None


def _make(directory: Path, digest: str, best: Path, config: bytes, name: str) -> ModelArchive | None:
    """Makes the file and removes the others; None where the weights are not those of the configuration any more."""
    partial = partial_path(directory / f"{digest}.zip")
    try:
        with zipfile.ZipFile(partial, "x") as files:
            files.writestr(_entry(name, CONFIG_FILE, len(config)), config)
            with open(best / WEIGHTS_FILE, "rb") as weights:
                if hashlib.file_digest(weights, "sha256").hexdigest() != json.loads(config)["weights"]["sha256"]:
                    return None
                _copy(weights, files, _entry(name, WEIGHTS_FILE, weights.tell()))
        with open(partial, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        made = directory / f"{digest}-{sha256}.zip"
        partial.replace(made)
    except FileNotFoundError:  # the model is being replaced
        return None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    for path in directory.iterdir():
        if path.name not in (made.name, _LOCK):
            path.unlink(missing_ok=True)
    return ModelArchive(made, sha256)


def _copy(source: BinaryIO, files: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    source.seek(0)
    with files.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _entry(name: str, file: str, size_bytes: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{name}/{file}", _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.file_size = size_bytes  # decides whether the entry is written for more than 4 GB
    return entry
