"""The detectors that the finals of a campaign have trained, as model directories.

Each is in `<data_dir>/models/<campaign id>/trial-<number>-seed-<seed>`. The runner writes it: a worker, which may be on
another machine, sends its detector with the reward. They are removed with the campaign; without its directory, a
training is only a reward.
"""

from __future__ import annotations

from pathlib import Path

from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE, DetectorModel, save_detector


def model_name(trial: int, seed: int) -> str:
    """The name of the model directory of a training of the finals."""
    return f"trial-{trial}-seed-{seed}"


def models_directory(data_dir: Path, campaign_id: str) -> Path:
    """The directory of the model directories of a campaign; it may not exist."""
    return data_dir / "models" / campaign_id


def model_directory(data_dir: Path, campaign_id: str, name: str) -> Path:
    """A model directory of a campaign; it may not exist."""
    return models_directory(data_dir, campaign_id) / name


def has_model(directory: Path) -> bool:
    """Whether the directory has both files of a detector; the configuration is written last."""
    return (directory / CONFIG_FILE).is_file() and (directory / WEIGHTS_FILE).is_file()


def keep_model(data_dir: Path, campaign_id: str, trial: int, seed: int, detector: DetectorModel) -> None:
    """Writes the detector of a training of the finals. Raises OSError."""
    save_detector(detector, model_directory(data_dir, campaign_id, model_name(trial, seed)))
