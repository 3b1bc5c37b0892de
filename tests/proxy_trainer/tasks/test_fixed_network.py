"""Trainings of fixed networks: the same bits after a restart, averaged weights, and what is saved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.tasks.classification import Classification, ClassificationBatch
from proxy_trainer.tasks.fixed_network import FixedTrainee
from search_space.parameters import by_kind
from search_space.task_model import load_task_model
from tests.support.small_tasks import TINY, digits_for, small_trainee


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_for("classification", tmp_path_factory.mktemp("digits") / "digits", train=20, val=10)


@pytest.fixture(scope="module")
def trainee(digits: Path) -> FixedTrainee[ClassificationBatch]:
    """One trainee for all tests; each restores the state that it needs."""
    return small_trainee("classification", digits, digits, dropout=0.2, **TINY)


@pytest.fixture(scope="module")
def untrained(trainee: FixedTrainee[ClassificationBatch]) -> dict[str, np.ndarray]:
    return trainee.state()


def test_a_restored_state_continues_with_the_same_bits(
    trainee: FixedTrainee[ClassificationBatch], untrained: dict[str, np.ndarray]
) -> None:
    trainee.restore(untrained)
    losses = [trainee.train_step(step, 0.01) for step in range(2)]
    saved = trainee.state()
    losses += [trainee.train_step(step, 0.01) for step in (2, 3)]
    whole = trainee.state()
    assert trainee.steps_done == 4
    trainee.restore(saved)
    assert trainee.steps_done == 2
    assert [trainee.train_step(step, 0.01) for step in (2, 3)] == losses[2:]
    for name, values in trainee.state().items():
        np.testing.assert_array_equal(values, whole[name])
    assert not np.array_equal(saved["weights"], whole["weights"])


def test_averages_follow_the_weights(
    trainee: FixedTrainee[ClassificationBatch], untrained: dict[str, np.ndarray]
) -> None:
    trainee.restore(untrained)
    trainee.train_step(0, 0.01)
    state = trainee.state()
    expected = 0.9 * untrained["average"] + 0.1 * state["weights"]
    np.testing.assert_allclose(state["average"], expected, rtol=1e-5, atol=1e-7)
    expected = 0.9 * untrained["statistics"] + 0.1 * state["statistics"]
    np.testing.assert_allclose(state["average_statistics"], expected, rtol=1e-5, atol=1e-7)


def test_weight_decay_takes_kernels_only(
    trainee: FixedTrainee[ClassificationBatch], untrained: dict[str, np.ndarray]
) -> None:
    trainable, _ = by_kind(trainee.network.parameters())
    decayed = np.repeat([p.role in ("kernel", "depthwise_kernel") for p in trainable], [p.size for p in trainable])
    decay = trainee._decay.numpy()
    assert set(np.unique(decay)) == {0.0, np.float32(trainee.task.weight_decay)}
    np.testing.assert_array_equal(decay > 0, decayed)


def test_a_state_of_another_network_is_refused(
    trainee: FixedTrainee[ClassificationBatch], untrained: dict[str, np.ndarray]
) -> None:
    trainee.restore(untrained)
    with pytest.raises(ValueError, match=r"weights has shape \(3,\); this network has"):
        trainee.restore({**untrained, "weights": np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match="it must have weights, first_moment"):
        trainee.restore({"weights": untrained["weights"]})
    np.testing.assert_array_equal(trainee.state()["weights"], untrained["weights"])


def test_a_model_directory_holds_the_averaged_weights(
    trainee: FixedTrainee[ClassificationBatch], untrained: dict[str, np.ndarray], tmp_path: Path
) -> None:
    trainee.restore(untrained)
    trainee.train_step(0, 0.01)
    trainee.save(tmp_path, {"top1": 0.5, "top5": None})
    model = load_task_model(tmp_path)
    assert model.network == trainee.network
    assert (model.name, model.origin, model.seed) == ("Eff-SpineNet-D0 classifier", "trained", 0)
    assert [each["name"] for each in model.classes] == [str(digit) for digit in range(10)]
    assert model.figures == {"top1": 0.5, "top5": None}
    assert model.training is not None
    assert model.training["recipe"]["training"]["batch_size"] == 2
    trainable, statistics = by_kind(model.network.parameters())
    for group, name in ((trainable, "average"), (statistics, "average_statistics")):
        flat = np.concatenate([model.tensors[p.name].ravel() for p in group])
        np.testing.assert_array_equal(flat, trainee.state()[name])


def test_tensors_of_another_model_are_a_start(trainee: FixedTrainee[ClassificationBatch], digits: Path) -> None:
    kernel = np.full_like(trainee.tensors()["stem/conv/kernel"], 0.25)
    start = {"stem/conv/kernel": kernel, "classifier/kernel": np.zeros((1, 1, 99, 7), np.float32), "other": kernel}
    options = trainee.options.__class__(
        trainee.options.model, digits, digits, trainee.recipe, trainee.options.seed, start
    )
    begun, fresh = Classification(options), small_trainee("classification", digits, digits, dropout=0.2, **TINY)
    np.testing.assert_array_equal(begun.tensors()["stem/conv/kernel"], kernel)
    for name, values in fresh.tensors().items():
        if name != "stem/conv/kernel":
            np.testing.assert_array_equal(begun.tensors()[name], values)


def test_the_identity_is_that_of_data_network_recipe_seed_and_start(
    trainee: FixedTrainee[ClassificationBatch], digits: Path, tmp_path: Path
) -> None:
    identity = trainee.identity()
    same = shutil.copytree(digits, tmp_path / "same")
    fields = {"dropout": 0.2, **TINY}
    assert small_trainee("classification", same, digits, **fields).identity() == identity
    start = {"stem/conv/kernel": trainee.tensors()["stem/conv/kernel"]}
    others = {
        "seed": small_trainee("classification", same, digits, seed=1, **fields).identity(),
        "start": small_trainee("classification", same, digits, start=start, **fields).identity(),
        "recipe": small_trainee("classification", same, digits, **{**fields, "dropout": 0.3}).identity(),
    }
    (next((same / "val").rglob("*.jpg"))).write_bytes(b"other")
    others["data"] = small_trainee("classification", same, digits, **fields).identity()
    for name, found in others.items():
        assert [key for key in identity if found[key] != identity[key]] == [name]
    json.dumps(identity)
