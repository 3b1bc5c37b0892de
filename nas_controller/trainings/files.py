"""The files of trainings, in `<data_dir>/trainings/<training id>`.

architecture.json    the block specification that is trained
start/               the model directory that it starts from, unless its weights are fresh
run/                 the directory of the run (`search_space.run_files`); `best` has the model of the best evaluation
model/               that model as a download, once somebody has asked for it

Nothing removes them, as nothing removes trainings; without its checkpoint a training would begin anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from nas_controller.entities import TrainingRowDocument
from search_space.run_files import HISTORY


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
