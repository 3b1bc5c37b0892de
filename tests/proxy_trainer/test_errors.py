from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from proxy_trainer.errors import (
    DataError,
    EmptyReservedSetError,
    EmptySplitError,
    NonFiniteLossError,
    OutOfMemoryError,
    SharedTrainingDivergedError,
    SharedWeightsChangedError,
    TrialError,
    UnreadableImageError,
)
from search_space.errors import EffspineError


@pytest.mark.parametrize(
    ("error", "reaction", "kind", "message"),
    [
        (TrialError("z"), "retry", "unexpected", "z"),
        (DataError("a"), "stop", "data", "a"),
        (EmptySplitError("b"), "stop", "empty-split", "b"),
        (EmptyReservedSetError("r"), "stop", "empty-reserved-set", "r"),
        (UnreadableImageError(Path("c.jpg"), "why"), "stop", "unreadable-image", "cannot read the image c.jpg: why"),
        (OutOfMemoryError(None, "batch_size"), "retry", "out-of-memory", "out of memory; lower batch_size"),
        (
            OutOfMemoryError("8 GiB", "batch_size"),
            "retry",
            "out-of-memory",
            "out of memory: there was no room for 8 GiB; lower batch_size",
        ),
        (
            NonFiniteLossError(7, 0.05, 1.25),
            "give_up",
            "non-finite-loss",
            "the loss is not finite at step 7 (learning rate 0.05; last finite loss 1.25)",
        ),
        (
            NonFiniteLossError(0, 0.05, None),
            "give_up",
            "non-finite-loss",
            "the loss is not finite at step 0 (learning rate 0.05; there was no finite loss before)",
        ),
        (
            SharedTrainingDivergedError(7, 0.05, 1.25),
            "stop",
            "shared-training-diverged",
            "the shared weights: the loss is not finite at step 7 (learning rate 0.05; last finite loss 1.25); "
            "lower shared_learning_rate",
        ),
        (
            SharedWeightsChangedError("a" * 64, "b" * 64),
            "stop",
            "shared-weights-changed",
            "the shared weights are not those that the earlier rewards were measured with: their file was lost and "
            "they were trained again with another result (SHA-256 aaaaaaaaaaaa, expected bbbbbbbbbbbb)",
        ),
    ],
)
def test_errors_have_reaction_kind_and_message_also_after_pickling(
    error: TrialError, reaction: str, kind: str, message: str
) -> None:
    assert isinstance(error, EffspineError)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is type(error)
        assert (each.reaction, each.kind, str(each)) == (reaction, kind, message)
        assert vars(each) == vars(error)
