"""Profiles, their overrides, and the learning-rate schedules."""

from __future__ import annotations

import json

import pytest

from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES, parse_overrides, resolve
from search_space.published import SP_EFFICIENTNET_B0


def test_the_paper_profile_is_section_5_1_1() -> None:
    paper = resolve("paper")
    assert (paper.image_px, paper.batch_size, paper.steps, paper.reserved_images) == (512, 256, 4500, 7392)
    assert (paper.learning_rate, paper.momentum, paper.weight_decay, paper.bn_momentum) == (0.28, 0.9, 4e-5, 0.99)
    assert (paper.scale_min, paper.scale_max, paper.reserve_from) == (0.1, 2.0, "train")
    assert (paper.flip, paper.optimizer, paper.schedule) == (True, "sgd", "step")
    assert (paper.reference_batch_size, paper.peak_learning_rate, paper.precision) == (256, 0.28, "float32")
    assert SP_EFFICIENTNET_B0.operations.activation == "swish"
    assert paper.stochastic_depth > 0


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_valid_and_survives_a_json_round_trip(name: str) -> None:
    fields = {k: v for k, v in PROFILES[name].to_dict().items() if k != "profile"}
    assert resolve(name, **json.loads(json.dumps(fields))) == PROFILES[name]


def test_overrides_replace_only_the_named_fields() -> None:
    changes = {"steps": 7, "warmup_steps": 2, "kind": "detection"}
    assert resolve("laptop", **changes).to_dict() == {**PROFILES["laptop"].to_dict(), **changes}


@pytest.mark.parametrize(
    ("profile", "overrides", "message"),
    [
        ("huge", {}, "profile is 'huge'; it must be one of paper, laptop, laptop-alone, smoke, synthetic"),
        ("laptop", {"stepz": 3}, "unknown field 'stepz'; did you mean 'steps'?"),
        ("laptop", {"kind": "alone"}, "kind is 'alone'; it must be detection or shared or synthetic"),
        ("laptop", {"steps": -1}, "steps is -1; it must be a whole number from 0"),
        ("smoke", {"steps": 0, "warmup_steps": 0}, "steps is 0; only a task of kind shared scores architectures"),
        (
            "smoke",
            {"kind": "shared", "shared_steps": 9, "steps": 0, "warmup_steps": 0},
            "recalibration_images is 0; it must be at least 2 where slices are scored without steps of their own",
        ),
        ("smoke", {"kind": "shared"}, "shared_steps is 0; a task of kind shared trains its shared weights"),
        (
            "laptop",
            {"recalibration_images": 1},
            "recalibration_images is 1; it must be at least 2, or 0 for the running statistics",
        ),
        ("laptop", {"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ("laptop", {"steps": True}, "steps is True"),
        ("laptop", {"flip": 1}, "flip is 1; it must be true or false"),
        ("laptop", {"schedule": "linear"}, "schedule is 'linear'; it must be cosine or step"),
        ("laptop", {"learning_rate": float("nan")}, "learning_rate is nan"),
        ("laptop", {"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a number"),
        ("laptop", {"scale_min": 2.0, "scale_max": 1.0}, "scale_min is 2.0 and scale_max is 1.0"),
        ("smoke", {"micro_batch_size": 3}, "micro_batch_size is 3; batch_size, 8, must be a multiple of it"),
        ("smoke", {"micro_batch_size": 16}, "micro_batch_size is 16; batch_size, 8, must be a multiple of it"),
        (
            "paper",
            {"reference_batch_size": 1},
            "learning_rate is 0.28 for 1 images, which scales to 71.68 for batch_size, 256",
        ),
        ("paper", {"precision": "float16"}, "precision is 'float16'; it must be float32 or bfloat16"),
        ("paper", {"jit_compile": 1}, "jit_compile is 1; it must be true or false"),
        (
            "paper",
            {"jit_compile": True, "kind": "shared", "shared_steps": 9},
            "jit_compile is true; a task of kind shared trains another architecture every few steps",
        ),
        ("smoke", {"warmup_steps": 1000}, "warmup_steps is 1000; it must not be more than steps"),
    ],
)
def test_a_wrong_override_is_refused_with_its_field(profile: str, overrides: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as error:
        resolve(profile, **overrides)
    assert error.value.field is not None
    assert error.value.field.startswith("proxy_task.")


def test_overrides_are_parsed_from_text() -> None:
    assert parse_overrides(["steps=7", "flip=false", "schedule=step", "learning_rate=1e-2"]) == {
        "steps": 7,
        "flip": False,
        "schedule": "step",
        "learning_rate": 0.01,
    }
    with pytest.raises(InvalidValueError, match="'steps' does not set a field"):
        parse_overrides(["steps"])


def test_the_published_schedule_decays_in_the_last_30_and_10_of_650_epochs() -> None:
    task = resolve("paper", steps=650, warmup_steps=10, learning_rate=1.0)
    assert task.learning_rate_at(0) == pytest.approx(0.1)
    assert [task.learning_rate_at(step) for step in (10, 619, 620, 639, 640, 649)] == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_the_learning_rate_scales_with_the_batch_where_there_is_a_reference() -> None:
    whole = resolve("paper")
    quarter = resolve("paper", batch_size=64)
    assert quarter.peak_learning_rate == pytest.approx(0.07)
    for step in (0, 100, 499, 500, 4292, 4293, 4431, 4499):
        assert quarter.learning_rate_at(step) == pytest.approx(whole.learning_rate_at(step) / 4)
    assert quarter.learning_rate_at(500) == pytest.approx(0.07)
    assert resolve("paper", batch_size=512).learning_rate_at(500) == pytest.approx(0.56)
    fixed = resolve("paper", batch_size=64, reference_batch_size=0)
    assert fixed.learning_rate_at(500) == fixed.peak_learning_rate == 0.28


def test_cosine_decay_ends_at_zero() -> None:
    task = resolve("laptop", steps=100, warmup_steps=10, learning_rate=1.0, schedule="cosine")
    rates = [task.learning_rate_at(step) for step in range(100)]
    assert rates[9] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 1e-3
    assert sorted(rates[10:], reverse=True) == rates[10:]


def test_the_proxy_network_has_scaled_widths() -> None:
    task = resolve("laptop", width_multiplier=0.5, width_divisor=4)
    proxy = task.architecture(SP_EFFICIENTNET_B0, class_slots=3)
    assert proxy.widths == (8, 12, 12, 12, 48, 20, 48, 76, 48, 76, 76, 76, 76, 48, 20, 76, 76, 76)
    assert (proxy.input_px, proxy.class_slots) == (task.image_px, 3)


def test_the_training_of_the_shared_weights_is_a_task_with_its_own_steps_rate_and_average() -> None:
    task = resolve(
        "smoke",
        kind="shared",
        shared_steps=90,
        shared_learning_rate=0.5,
        shared_ema_decay=0.25,
        steps=33,
        learning_rate=0.125,
        ema_decay=0.75,
    )
    shared = task.shared_task()
    assert (shared.kind, shared.steps, shared.warmup_steps, shared.shared_steps) == ("detection", 90, 6, 0)
    assert (shared.peak_learning_rate, shared.ema_decay) == (0.5, 0.25)
    unchanged = ("image_px", "width_multiplier", "batch_size", "optimizer", "bn_momentum", "scale_min", "shared_seed")
    assert all(getattr(shared, name) == getattr(task, name) for name in unchanged)


def test_a_task_of_kind_shared_may_score_slices_without_steps_of_their_own() -> None:
    task = resolve("smoke", kind="shared", shared_steps=20, steps=0, warmup_steps=0, recalibration_images=2)
    assert (task.steps, task.shared_task().steps) == (0, 20)
    assert (resolve("laptop").kind, resolve("laptop-alone").kind) == ("shared", "detection")
    assert (resolve("laptop-alone").kind, resolve("laptop-alone").shared_steps) == ("detection", 0)
