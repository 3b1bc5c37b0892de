"""The commands start, and refuse wrong names, without the libraries that take seconds to import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.constant_detectors import write_constant_detector
from tests.support.edge_case_coco import make_edge_case_coco
from tests.support.processes import in_a_process

SLOW = {"tensorflow", "onnxruntime", "faster_coco_eval", "torch"}


def import_the_commands() -> None:
    """In a child."""
    from proxy_trainer import inference_commands, train_command

    assert inference_commands
    assert train_command
    assert not SLOW & sys.modules.keys()


def refuse_wrong_names() -> None:
    """In a child."""
    from proxy_trainer.tasks.trainings import build_training
    from proxy_trainer.training.training_options import TrainOptions
    from search_space.errors import InvalidValueError

    here, none = Path(), Path("none")
    for architecture, recipe, start in (
        ("resnet", "paper", "fresh"), ("Eff-SpineNet-D0", "quick", "fresh"), ("Eff-SpineNet-D0", "paper", "nowhere"),
    ):  # fmt: skip
        with pytest.raises(InvalidValueError):
            build_training("detection", TrainOptions(architecture, here, recipe, none, {}, start=start))
    assert "tensorflow" not in sys.modules


def evaluate_an_onnx_export(directory: str) -> None:
    """In a child."""
    from proxy_trainer.inference.detector import load_any_detector
    from proxy_trainer.inference.evaluation_report import evaluate_detector
    from proxy_trainer.inference.scored_split import scored_split

    path = Path(directory)
    model = write_constant_detector(path / "model", ["square"], [((16.0, 16.0, 40.0, 40.0), 0.9, 0)])
    split = scored_split(make_edge_case_coco(path / "odd"), "all", None)
    report = evaluate_detector(load_any_detector(model, 1), split, path / "cache", lambda done, total: None)
    assert report.scores.metrics["ap"] is not None
    assert "tensorflow" not in sys.modules


def test_an_onnx_export_is_evaluated_without_tensorflow(tmp_path: Path) -> None:
    in_a_process(evaluate_an_onnx_export, tmp_path)


def test_the_commands_start_without_slow_libraries() -> None:
    in_a_process(import_the_commands)


def test_wrong_names_are_refused_without_tensorflow() -> None:
    in_a_process(refuse_wrong_names)
