"""A batch split over two devices: logical CPU devices, in a process of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.engine import Engine
from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.micro_batches import MicroBatches, visible_devices
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


def configure_two_devices() -> None:
    """Splits the CPU into two logical devices; to be called before TensorFlow runs."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    from proxy_trainer.engine.runtime import start

    start(2)


def with_two_devices(network: str, folder: str) -> None:
    """Saves the results of both functions below in a process with two devices."""
    configure_two_devices()
    accumulate(Path(folder))
    train_with_two_devices(NETWORKS[network], Path(folder))


def _results(network: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The results of that process, by name."""
    in_a_process(with_two_devices, network, folder)
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The results with a small network."""
    return _results("small", tmp_path_factory.mktemp("devices"))


def train_with_two_devices(network: Network, folder: Path) -> None:
    """Saves a training on two devices, and one on one device with as many micro batches."""
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


def test_two_devices_and_one_give_the_same_training_in_one_trace(results: dict[str, dict[str, Any]]) -> None:
    _assert_devices_agree(results)


@pytest.mark.slow
def test_two_devices_and_one_give_the_same_training_of_the_proxy_network(tmp_path: Path) -> None:
    _assert_devices_agree(_results("retinanet", tmp_path))


def _assert_devices_agree(results: dict[str, dict[str, Any]]) -> None:
    one, two = results["one"], results["two"]
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-4)
    for name in ("weights", "first", "statistics"):
        assert distance(two[name], one[name]) < 1e-3, name
    assert one["steps_done"] == two["steps_done"] == STEPS
    assert one["traces"] == two["traces"] == 1


PIXELS = np.arange(8 * 2 * 2 * 3, dtype=np.uint8).reshape(8, 2, 2, 3)
POSITIVES = np.array([[0, -1], [-1, -1], [0, 1], [0, -1], [-1, -1], [-1, 0], [0, 0], [1, 1]], np.int16)


def accumulate(folder: Path) -> None:
    """Saves the accumulated gradient of eight images in micro batches on one or two devices, and the devices used."""
    batch = TrainingBatch(PIXELS, np.zeros(8), np.zeros(8), np.zeros((8, 1)), np.zeros(8), POSITIVES)
    for micro, devices in ((2, TWO[:1]), (2, TWO), (4, TWO), (0, TWO[:1])):
        micro_batches = MicroBatches.of(resolve("smoke", micro_batch_size=micro), devices)
        used: list[str] = []

        def gradient(weights: tf.Tensor, batch: TrainingBatch, seed: tf.Tensor, used: list[str] = used) -> Gradient:
            mean = tf.reduce_mean(tf.cast(batch.pixels, tf.float32))
            used.append(mean.device)
            draw = tf.cast(seed[0], tf.float32) / 2.0**31
            loss = DetectionLoss(mean, draw, tf.cast(tf.shape(batch.pixels)[0], tf.float32))
            return Gradient(loss, weights * draw, tf.stack([mean]))

        @tf.function(autograph=False)
        def whole(micro_batches: MicroBatches = micro_batches, gradient: Any = gradient) -> Gradient:
            tensors = TrainingBatch._make(tf.constant(values) for values in batch)
            return micro_batches.gradient(gradient, tf.constant([1.0, 2.0]), tf.zeros(1), tensors, tf.constant([1, 2]))

        total = whole()
        np.savez(
            folder / f"{micro} on {len(devices)}.npz",
            loss=total.loss,
            gradient=total.gradient,
            statistics=total.statistics,
            devices=sorted({device.rsplit("device:")[-1] for device in used}),
        )


def test_micro_batches_are_weighted_by_their_positives_on_any_devices(results: dict[str, dict[str, Any]]) -> None:
    for name in ("loss", "gradient", "statistics"):
        np.testing.assert_allclose(results["2 on 2"][name], results["2 on 1"][name], rtol=1e-6, err_msg=name)
    counts = (POSITIVES >= 0).sum(axis=1)
    shares = [(counts[half].sum() + 1) / (counts.sum() + 1) for half in (slice(4), slice(4, None))]
    means = [PIXELS[half].mean() for half in (slice(4), slice(4, None))]
    assert results["4 on 2"]["loss"][0] == pytest.approx(np.dot(shares, means))
    assert results["4 on 2"]["statistics"][0] == pytest.approx(np.mean(means))
    assert results["4 on 2"]["loss"][2] == pytest.approx(4 * sum(shares))  # four images at a time
    assert results["4 on 2"]["devices"].tolist() == results["2 on 2"]["devices"].tolist() == ["CPU:0", "CPU:1"]
    assert results["2 on 1"]["devices"].tolist() == ["CPU:0"]
    assert results["0 on 1"]["loss"][2] == 8


@pytest.mark.parametrize(
    ("overrides", "devices", "message", "field"),
    [
        ({}, 3, "batch_size is 8; it must be a multiple of the 3 devices that share it", "batch_size"),
        (
            {"batch_size": 24, "micro_batch_size": 8},
            2,
            "micro_batch_size is 8; it must divide 12, the images per device for batch_size 24 on 2 devices",
            "micro_batch_size",
        ),
        ({"jit_compile": True}, 2, "jit_compile trains on one device, but there are 2: D0, D1", "jit_compile"),
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
    ("task", "devices", "per_device", "size"),
    [
        (resolve("smoke"), 0, 1, 8),
        (resolve("smoke"), 2, 1, 4),
        (resolve("smoke", micro_batch_size=2), 2, 2, 2),
        (resolve("smoke", micro_batch_size=8), 4, 1, 2),  # no device has that many images
    ],
)
def test_the_micro_batches_of_a_batch(task: ProxyTask, devices: int, per_device: int, size: int) -> None:
    split = MicroBatches.of(task, [f"D{number}" for number in range(devices)])
    assert (len(split.devices), split.per_device, split.size) == (max(1, devices), per_device, size)


def test_without_a_gpu_tensorflow_chooses_the_device() -> None:
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("there is a GPU")
    assert visible_devices(resolve("smoke")) == ()
    assert MicroBatches.of(resolve("smoke"), ()).devices == (None,)
