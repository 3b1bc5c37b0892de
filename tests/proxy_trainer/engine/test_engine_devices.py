"""A batch over several devices: two logical ones of the processor, in a process that has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.batch_parts import BatchParts, seen_devices
from proxy_trainer.engine.engine import Engine
from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.proxy_network import Network
from proxy_trainer.engine.training_batch import Gradient, TrainingBatch
from search_space.errors import InvalidValueError
from search_space.networks.retinanet import retinanet
from search_space.proxy_task import ProxyTask, resolve
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.support.engine_tasks import CLASSES, PART, PARTS, distance, two_parts
from tests.support.processes import in_a_process
from tests.support.small_network import small_network

TWO = ("CPU:0", "CPU:1")
NETWORKS: dict[str, Network] = {"small": small_network, "retinanet": retinanet}
TASK = replace(PARTS, stochastic_depth=0.5, momentum=0.9, bn_momentum=0.9)
STEPS = 2


def see_two_devices() -> None:
    """Two logical devices for the processor, before TensorFlow runs."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    from proxy_trainer.engine.runtime import start

    start(2)


def with_two_devices(network: str, folder: str) -> None:
    """Saves what both functions below find, in a process that sees two devices."""
    see_two_devices()
    add_up_parts(Path(folder))
    train_with_two_devices(NETWORKS[network], Path(folder))


def _found(network: str, folder: Path) -> dict[str, dict[str, Any]]:
    """What that process saves, by name."""
    in_a_process(with_two_devices, network, folder)
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What such a process finds with a small network."""
    return _found("small", tmp_path_factory.mktemp("devices"))


def train_with_two_devices(network: Network, folder: Path) -> None:
    """Saves what a training over two devices gives, and one on one device in as many parts."""
    batch = two_parts(second=range(PART, 2 * PART))
    for name, task, devices in (
        ("one", replace(TASK, micro_batch_size=PART), TWO[1:]),
        ("two", TASK, TWO),
    ):
        engine = Engine(task, CLASSES, network=network, devices=devices)
        engine.load(SP_EFFICIENTNET_B0, seed=1)
        losses = [engine.train_step(batch, 0.01, (1, step)) for step in range(STEPS)]
        state = engine.state()
        assert devices[0] in engine._weights.device
        engine.load(EFF_SPINENET_D0, seed=1)
        engine.train_step(batch, 0.01, (1, 0))
        traces, _ = engine.traces()
        np.savez(folder / f"{name}.npz", losses=losses, traces=traces, **state._asdict())


def test_two_devices_give_what_one_gives_with_as_many_parts_in_one_trace(found: dict[str, dict[str, Any]]) -> None:
    _assert_devices_agree(found)


@pytest.mark.slow
def test_two_devices_give_what_one_gives_with_the_proxy_network(tmp_path: Path) -> None:
    _assert_devices_agree(_found("retinanet", tmp_path))


def _assert_devices_agree(found: dict[str, dict[str, Any]]) -> None:
    one, two = found["one"], found["two"]
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-4)
    for name in ("weights", "first", "statistics"):
        assert distance(two[name], one[name]) < 1e-3, name
    assert one["steps_done"] == two["steps_done"] == STEPS
    assert one["traces"] == two["traces"] == 1


PIXELS = np.arange(8 * 2 * 2 * 3, dtype=np.uint8).reshape(8, 2, 2, 3)
POSITIVES = np.array([[0, -1], [-1, -1], [0, 1], [0, -1], [-1, -1], [-1, 0], [0, 0], [1, 1]], np.int16)


def add_up_parts(folder: Path) -> None:
    """Saves what a batch of eight images adds up to, whose parts are on one device or two, and where they were."""
    batch = TrainingBatch(PIXELS, np.zeros(8), np.zeros(8), np.zeros((8, 1)), np.zeros(8), POSITIVES)
    for micro, devices in ((2, TWO[:1]), (2, TWO), (4, TWO), (0, TWO[:1])):
        parts = BatchParts.of(resolve("smoke", micro_batch_size=micro), devices)
        seen: list[str] = []

        def of_part(weights: tf.Tensor, part: TrainingBatch, seed: tf.Tensor, seen: list[str] = seen) -> Gradient:
            mean = tf.reduce_mean(tf.cast(part.pixels, tf.float32))
            seen.append(mean.device)
            draw = tf.cast(seed[0], tf.float32) / 2.0**31
            loss = DetectionLoss(mean, draw, tf.cast(tf.shape(part.pixels)[0], tf.float32))
            return Gradient(loss, weights * draw, tf.stack([mean]))

        @tf.function(autograph=False)
        def whole(parts: BatchParts = parts, of_part: Any = of_part) -> Gradient:
            tensors = TrainingBatch._make(tf.constant(values) for values in batch)
            return parts.gradient(of_part, tf.constant([1.0, 2.0]), tf.zeros(1), tensors, tf.constant([1, 2]))

        found = whole()
        np.savez(
            folder / f"{micro} on {len(devices)}.npz",
            loss=found.loss,
            gradient=found.gradient,
            statistics=found.statistics,
            devices=sorted({device.rsplit("device:")[-1] for device in seen}),
        )


def test_parts_on_devices_are_those_of_one_device_weighted_by_their_positives(found: dict[str, dict[str, Any]]) -> None:
    for name in ("loss", "gradient", "statistics"):
        np.testing.assert_allclose(found["2 on 2"][name], found["2 on 1"][name], rtol=1e-6, err_msg=name)
    counts = (POSITIVES >= 0).sum(axis=1)
    shares = [(counts[half].sum() + 1) / (counts.sum() + 1) for half in (slice(4), slice(4, None))]
    means = [PIXELS[half].mean() for half in (slice(4), slice(4, None))]
    assert found["4 on 2"]["loss"][0] == pytest.approx(np.dot(shares, means))
    assert found["4 on 2"]["statistics"][0] == pytest.approx(np.mean(means))
    assert found["4 on 2"]["loss"][2] == pytest.approx(4 * sum(shares))  # four images went through at a time
    assert found["4 on 2"]["devices"].tolist() == found["2 on 2"]["devices"].tolist() == ["CPU:0", "CPU:1"]
    assert found["2 on 1"]["devices"].tolist() == ["CPU:0"]
    assert found["0 on 1"]["loss"][2] == 8


@pytest.mark.parametrize(
    ("overrides", "devices", "message", "field"),
    [
        ({}, 3, "batch_size is 8; it must be a multiple of the 3 devices that share it", "batch_size"),
        (
            {"batch_size": 24, "micro_batch_size": 8},
            2,
            "micro_batch_size is 8; the 12 images that each of 2 devices takes of batch_size, 24, must be a multiple",
            "micro_batch_size",
        ),
        ({"jit_compile": True}, 2, "jit_compile trains on one device, and here are 2: D0, D1", "jit_compile"),
    ],
)
def test_a_batch_that_does_not_divide_is_refused(
    overrides: dict[str, object], devices: int, message: str, field: str
) -> None:
    names = [f"D{number}" for number in range(devices)]
    with pytest.raises(InvalidValueError, match=message) as error:
        Engine(resolve("smoke", **overrides), CLASSES, devices=names)
    assert error.value.field == f"proxy_task.{field}"


@pytest.mark.parametrize(
    ("task", "devices", "on_each", "size"),
    [
        (resolve("smoke"), 0, 1, 8),
        (resolve("smoke"), 2, 1, 4),
        (resolve("smoke", micro_batch_size=2), 2, 2, 2),
        (resolve("smoke", micro_batch_size=8), 4, 1, 2),  # no device has as many as it could take
    ],
)
def test_the_parts_of_a_batch(task: ProxyTask, devices: int, on_each: int, size: int) -> None:
    parts = BatchParts.of(task, [f"D{number}" for number in range(devices)])
    assert (len(parts.devices), parts.on_each, parts.size) == (max(1, devices), on_each, size)


def test_without_a_gpu_tensorflow_chooses_the_device() -> None:
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("there is one")
    assert seen_devices(resolve("smoke")) == ()
    assert BatchParts.of(resolve("smoke"), ()).devices == (None,)
