"""Trainings of one detector: resumed to the bit, from other weights, and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.digits import make_digits
from proxy_trainer.inference.detector import load_any_detector
from proxy_trainer.inference.evaluation_report import evaluate_detector
from proxy_trainer.inference.scored_split import scored_split
from proxy_trainer.tasks.trainings import build_training
from proxy_trainer.training.detectors import tensors_of
from proxy_trainer.training.proxy_worker import ProxyWorker
from proxy_trainer.training.training_options import Training, TrainOptions
from proxy_trainer.training.training_run import RunProgress, TrainingRun
from search_space.cost import parameters
from search_space.detector_model import DetectorModel, Tensors, load_detector
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES
from search_space.published import EFF_SPINENET_D0
from search_space.recipes import resolve_recipe
from search_space.space import SearchSpace
from tests.support.processes import THREADS
from tests.support.small_trainings import TINY_FIELDS, tiny_options

TRAIN_IMAGES = 14
STEPS = 7
"""Two epochs of 14 images in batches of 4."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tiny") / "tiny"
    make_digits(directory, train=TRAIN_IMAGES, val=6)
    return directory


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def _run(options: TrainOptions, out: Path) -> TrainingRun:
    made = build_training("detection", options)
    return TrainingRun(made.trainee, made.course, out, identity=made.identity, description=made.description)


def _best(out: Path) -> DetectorModel:
    return load_detector(out / "best")


def _assert_equal(one: DetectorModel, two: DetectorModel) -> None:
    assert one.tensors.keys() == two.tensors.keys()
    for name in one.tensors:
        np.testing.assert_array_equal(one.tensors[name], two.tensors[name], err_msg=name)


def test_an_interrupted_training_has_the_weights_of_a_whole_one(data: Path, cache: Path, tmp_path: Path) -> None:
    options = tiny_options(data, cache)
    assert _run(options, tmp_path / "whole").run().is_complete

    def end(now: RunProgress) -> None:
        if now.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(options, tmp_path / "parts").run(end)
    steps: list[int] = []
    assert _run(options, tmp_path / "parts").run(lambda now: steps.append(now.step)).is_complete
    assert steps == [5, 6, 7]
    for name in ("best", "last"):
        whole, parts = (load_detector(tmp_path / run / name) for run in ("whole", "parts"))
        _assert_equal(whole, parts)
        assert whole.specification.figures == parts.specification.figures
        assert whole.specification.training == parts.specification.training
    with np.load(_body(tmp_path / "whole")) as one, np.load(_body(tmp_path / "parts")) as two:
        for name in ("weights", "first", "second", "average", "statistics", "steps_done"):
            np.testing.assert_array_equal(one[f"trainee/{name}"], two[f"trainee/{name}"])


@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_a_final_with_a_recipe_has_the_weights_of_the_training(
    schedule: str, data: Path, cache: Path, tmp_path: Path
) -> None:
    """As a worker of finals trains it, from the architecture that the search knows."""
    decays = {"decay_epochs": 1, "final_decay_epochs": 0, "warmup_steps": 0}
    fields = {**TINY_FIELDS, "schedule": schedule, **(decays if schedule == "step" else {})}
    task = resolve_recipe("laptop-final", fields).proxy_task(SearchSpace().base)
    worker = ProxyWorker(task, data, cache, 3, THREADS)
    metrics = worker.run(EFF_SPINENET_D0)
    assert metrics["steps"] == STEPS
    assert _run(tiny_options(data, cache, fields=fields), tmp_path).run().is_complete
    _assert_equal(worker.detector(), load_detector(tmp_path / "last"))


def _body(out: Path) -> Any:
    import io

    return io.BytesIO((out / "checkpoint").read_bytes().partition(b"\n")[2])


def test_a_model_directory_says_how_and_on_what_it_was_trained(data: Path, cache: Path, tmp_path: Path) -> None:
    result = _run(tiny_options(data, cache, fields={"schedule": "step", "decay_epochs": 1, "final_decay_epochs": 0}),
                  tmp_path).run()  # fmt: skip
    model = load_detector(tmp_path / "last")
    specification = model.specification
    assert (model.origin, model.seed) == ("trained", 3)
    assert specification.classes == [{"id": 1, "name": "digit"}]
    assert specification.figures is not None
    assert result.state.last is not None
    assert specification.figures == result.state.last.figures
    assert specification.architecture.widths == model.architecture.scaled(1.0, divisor=1).widths
    training, description = specification.training or {}, json.loads((tmp_path / "run.json").read_text())
    assert (training["recipe"], training["epochs"], training["steps"], training["steps_done"]) == (
        "laptop-final", 2, STEPS, STEPS,
    )  # fmt: skip
    assert training["start"] == {"kind": "fresh"}
    assert specification.provenance["data"] == description["data"]
    assert description["data"]["train"]["images"] == TRAIN_IMAGES
    assert description["held_out"] == "the validation split"
    assert set(description["versions"]) == {"effspine", "numpy", "tensorflow"}
    rates = [json.loads(line)["learning_rate"] for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert np.allclose(rates, [0.005] * 4 + [0.0005] * 3)


def test_a_data_set_without_a_validation_split_reserves_images_whatever_the_seed(
    odd: Path, cache: Path, tmp_path: Path
) -> None:
    held_out = []
    for seed in (1, 2):
        made = build_training("detection", tiny_options(odd, cache, seed=seed))
        held_out.append(made.description["data"]["reserved"])
        assert made.description["held_out"] == "reserved images of the training split"
    assert held_out[0] == held_out[1]
    assert held_out[0]["images"] == 2


def test_an_evaluation_of_the_model_directory_has_the_figures_of_the_training(
    odd: Path, cache: Path, tmp_path: Path
) -> None:
    state = _run(tiny_options(odd, cache), tmp_path).run().state
    assert state.best is not None
    detector = load_any_detector(tmp_path / "best", THREADS)
    for split, is_held_out in (("val", True), ("train", False)):
        images = scored_split(odd, split, detector.specification.training)
        report = evaluate_detector(detector, images, cache, lambda done, total: None)
        assert report.is_held_out is is_held_out
        assert (report.scores.metrics == state.best.figures) is is_held_out


def test_a_directory_of_other_data_or_another_seed_is_refused(data: Path, cache: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_digits(other, train=TRAIN_IMAGES, val=6, seed=1)
    _run(tiny_options(data, cache), tmp_path / "run").run(is_stopped=lambda: True)
    for options, message in (
        (tiny_options(other, cache), "its data is "),
        (tiny_options(data, cache, seed=4), "its seed is 3, and that of this training 4"),
        (tiny_options(data, cache, fields={"epochs": 3}), "its task.steps is 7, and that of this training 11"),
    ):
        with pytest.raises(InvalidValueError, match=message):
            _run(options, tmp_path / "run").run()


def _tensors(made: Training) -> Tensors:
    """The averaged weights and running statistics of a training that has not begun."""
    trainee: Any = made.trainee
    return tensors_of(trainee._engine.state(), parameters(trainee._network))


def test_a_training_starts_from_a_model_and_keeps_its_network(data: Path, cache: Path, tmp_path: Path) -> None:
    _run(tiny_options(data, cache), tmp_path / "first").run()
    start = tmp_path / "first" / "best"
    own = {name: TINY_FIELDS[name] for name in ("batch_size", "epochs", "recalibration_images", "ema_decay")}
    options = replace(tiny_options(data, cache, architecture=str(start), start=str(start)), overrides=own)
    made = build_training("detection", options)
    assert made.notes == ()
    _assert_equal(replace(_best(tmp_path / "first"), tensors=_tensors(made)), _best(tmp_path / "first"))
    assert made.description["widths"] == list(_best(tmp_path / "first").architecture.widths)


def test_other_classes_get_a_fresh_prediction_layer_and_a_note(
    data: Path, odd: Path, cache: Path, tmp_path: Path
) -> None:
    _run(tiny_options(data, cache), tmp_path / "first").run()
    start = tmp_path / "first" / "best"
    made = build_training("detection", tiny_options(odd, cache, start=str(start)))
    names = [f"class/predict/pointwise/{name}" for name in ("kernel", "bias")]
    assert made.notes == (f"the start weights are of other classes; fresh from the seed: {', '.join(names)}",)
    first, tensors = _best(tmp_path / "first"), _tensors(made)
    assert tensors[names[1]].shape == (27,)
    kept = [name for name in first.tensors if name not in names]
    for name in kept:
        np.testing.assert_array_equal(tensors[name], first.tensors[name], err_msg=name)
    with pytest.raises(InvalidValueError, match=r"the start weights have .* with shape .*, the network to train"):
        build_training("detection", tiny_options(data, cache, start=str(start), fields={"width_multiplier": 0.2}))


def test_a_training_starts_from_shared_weights_if_they_are_there(
    data: Path, odd: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = resolve_recipe("laptop-final", TINY_FIELDS).task_for(TRAIN_IMAGES)
    shared = replace(task, profile="tiny", kind="shared", steps=0, warmup_steps=0, shared_steps=4)
    monkeypatch.setitem(PROFILES, "tiny", shared)
    options = tiny_options(data, tmp_path, start="shared", profile="tiny")
    with pytest.raises(InvalidValueError, match="there are no shared weights of profile tiny"):
        build_training("detection", options)
    worker = ProxyWorker(shared, data, tmp_path, 1, THREADS, SearchSpace())
    trained = worker.shared_weights()
    made = build_training("detection", options)
    assert made.description["training"]["start"] == {"kind": "shared", "profile": "tiny", "sha256": trained.sha256}
    supernet = worker._supernet
    assert supernet is not None
    wanted = supernet.initial_state(EFF_SPINENET_D0, 3)
    np.testing.assert_array_equal(made.trainee.state()["weights"], wanted.weights)
    for wrong, message in (
        (replace(options, overrides={**options.overrides, "width_multiplier": 0.2}), "are of networks with width_mult"),
        (replace(options, data=odd), "has no validation split, so the shared weights have learned from images"),
        (replace(options, profile="laptop-alone"), "profile laptop-alone has no shared weights"),
        (replace(options, architecture="Eff-SpineNet-D2"), "has other repeats or operations than"),
    ):
        with pytest.raises(InvalidValueError, match=message):
            build_training("detection", wrong)


def test_wrong_names_are_refused(data: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="task is 'poses'; it must be one of detection"):
        build_training("poses", tiny_options(data, cache))
    for changes, message in (
        ({"start": "best"}, "start is 'best'; it must be fresh, shared or a model directory"),
        ({"recipe": "quick"}, "recipe is 'quick'"),
        ({"architecture": "resnet"}, "architecture is 'resnet'"),
        ({"start": str(tmp_path)}, r"config\.json cannot be read"),
    ):
        with pytest.raises(InvalidValueError, match=message):
            build_training("detection", tiny_options(data, cache, **changes))


@pytest.mark.slow
def test_a_training_learns_far_beyond_chance(digits: Path, cache: Path, tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "image_px": 64, "width_multiplier": 0.2, "batch_size": 8, "epochs": 40, "recalibration_images": 64,
        "learning_rate": 0.02, "subnet_width": 12, "ema_decay": 0.98,
    }  # fmt: skip
    result = _run(tiny_options(digits, cache, fields=fields, evaluate_epochs=20), tmp_path).run()
    best = result.state.best
    assert best is not None
    ap50 = best.figures["ap50"]
    assert ap50 is not None
    assert ap50 > 0.2
