"""The commands start, and refuse wrong names, without the libraries that take seconds to import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
    from proxy_trainer.training.tasks import TrainOptions, build_training
    from search_space.errors import InvalidValueError

    here, none = Path(), Path("none")
    for architecture, recipe, start in (
        ("resnet", "paper", "fresh"), ("Eff-SpineNet-D0", "quick", "fresh"), ("Eff-SpineNet-D0", "paper", "nowhere"),
    ):  # fmt: skip
        with pytest.raises(InvalidValueError):
            build_training("detection", TrainOptions(architecture, here, recipe, none, {}, start=start))
    assert "tensorflow" not in sys.modules


def test_the_commands_start_without_slow_libraries() -> None:
    in_a_process(import_the_commands)


def test_wrong_names_are_refused_without_tensorflow() -> None:
    in_a_process(refuse_wrong_names)
