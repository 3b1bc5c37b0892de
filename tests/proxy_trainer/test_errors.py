from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from proxy_trainer.errors import (
    DataError,
    EmptySplitError,
    NonFiniteLossError,
    TrialError,
    UnreadableImageError,
)
from search_space.errors import EffspineError


@pytest.mark.parametrize(
    ("error", "reaction", "message"),
    [
        (DataError("a"), "stop", "a"),
        (EmptySplitError("b"), "stop", "b"),
        (UnreadableImageError(Path("c.jpg"), "why"), "stop", "cannot read the image c.jpg: why"),
        (
            NonFiniteLossError(7, 0.05, 1.25),
            "give_up",
            "the loss is not finite at step 7 (learning rate 0.05; last finite loss 1.25)",
        ),
        (
            NonFiniteLossError(0, 0.05, None),
            "give_up",
            "the loss is not finite at step 0 (learning rate 0.05; there was no finite loss before)",
        ),
    ],
)
def test_errors_say_what_to_do_and_cross_processes(error: TrialError, reaction: str, message: str) -> None:
    assert isinstance(error, EffspineError)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is type(error)
        assert (each.reaction, str(each)) == (reaction, message)
        assert vars(each) == vars(error)
