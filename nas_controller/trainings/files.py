"""The files of trainings, in `<data_dir>/trainings/<training id>`.

architecture.json    the block specification that is trained
start/               the model directory that it starts from, unless its weights are fresh
run/                 the directory of the run (`search_space.run_files`); `best` has the model of the best evaluation

Nothing removes them, as nothing removes trainings; without its checkpoint a training would begin anew.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from nas_controller.entities import TrainingRowDocument
from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE
from search_space.run_files import BEST, HISTORY

MODEL_FILES = (CONFIG_FILE, WEIGHTS_FILE)


def training_directory(data_dir: Path, training_id: str) -> Path:
    """The directory of a training; it may not exist."""
    return data_dir / "trainings" / training_id


def architecture_file(data_dir: Path, training_id: str) -> Path:
    """The block specification that is trained; there is none for a model of the catalogue."""
    return training_directory(data_dir, training_id) / "architecture.json"


def start_directory(data_dir: Path, training_id: str) -> Path:
    """The model directory that a training starts from; it may not exist."""
    return training_directory(data_dir, training_id) / "start"


def run_directory(data_dir: Path, training_id: str) -> Path:
    """The directory of the run; it does not exist before the first attempt."""
    return training_directory(data_dir, training_id) / "run"


def history_rows(data_dir: Path, training_id: str, after: int = -1) -> list[TrainingRowDocument]:
    """The logged steps later than `after`; empty before the first. The last line may still be being written."""
    try:
        content = (run_directory(data_dir, training_id) / HISTORY).read_bytes()
    except FileNotFoundError:
        return []
    *lines, _ = content.split(b"\n")
    rows = map(TrainingRowDocument.model_validate, map(json.loads, lines))
    return [row for row in rows if row.step > after]


def best_model(data_dir: Path, training_id: str, name: str) -> bytes | None:
    """The model directory of the best evaluation as a ZIP file with one folder `name`; None while there is none."""
    directory = run_directory(data_dir, training_id) / BEST
    output = io.BytesIO()
    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as files:
            for file in MODEL_FILES:
                files.write(directory / file, f"{name}/{file}")
    except FileNotFoundError:  # there is none, or it is being replaced
        return None
    return output.getvalue()
