"""The supernet: trained once, saved, shared between processes, and resumed after an interruption."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.decoded_images import DecodedSplit, decode_split
from proxy_trainer.engine.engine import Engine, EngineState, fresh_state
from proxy_trainer.errors import DataError, DiskFullError, SharedTrainingDivergedError
from proxy_trainer.training import supernet as module
from proxy_trainer.training.checkpoint import CheckpointFile
from proxy_trainer.training.proxy_worker import ProxyWorker
from proxy_trainer.training.supernet import Supernet
from proxy_trainer.training.training_batches import TrainingBatches
from proxy_trainer.training.trial_run import Progress
from search_space.cost import parameters
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.slices import FlatTensors, Slices
from search_space.space import SearchSpace
from tests.support import engine_pool
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE, SMOKE_ADAMW

STEPS = 10
TASK = replace(
    SMOKE_ADAMW,
    kind="shared",
    steps=3,
    warmup_steps=1,
    shared_steps=STEPS,
    shared_learning_rate=0.01,
    learning_rate=0.02,
)
SPACE = SearchSpace()


@pytest.fixture(scope="module")
def decoded(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> DecodedSplit:
    train, _ = load_dataset(digits, reserved_images=16, reserve_from="val", seed=1)
    return decode_split(train, TASK.image_px, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_pool.shared_engine(TASK, 1)


def _supernet(task: ProxyTask = TASK) -> Supernet:
    return Supernet(task, 1, SPACE, "data")


def _trained(engine: Engine, decoded: DecodedSplit, folder: Path, task: ProxyTask = TASK) -> tuple[Supernet, list[int]]:
    supernet, steps = _supernet(task), []
    supernet.load_or_train(
        engine, lambda: TrainingBatches(decoded, task, 0), folder, lambda step, loss: steps.append(step)
    )
    return supernet, steps


def test_it_is_trained_once_and_saved(engine: Engine, decoded: DecodedSplit, tmp_path: Path) -> None:
    first, steps = _trained(engine, decoded, tmp_path)
    for kind in ("weights", "checkpoint"):  # another worker may be writing the weights that the database has
        (tmp_path / f".{next(tmp_path.glob('*.weights')).stem}.{kind}.0.partial").touch()
    second, no_steps = _trained(engine, decoded, tmp_path)
    assert (steps, no_steps) == (list(range(1, STEPS + 1)), [])
    assert [path.name.split(".")[-3] for path in tmp_path.glob("*.partial")] == ["weights"]
    for each in (SP_EFFICIENTNET_B0, EFF_SPINENET_D0):
        _assert_equal(first.initial_state(each, 1), second.initial_state(each, 1))


def test_every_architecture_starts_from_slices_of_the_same_weights(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path
) -> None:
    supernet, _ = _trained(engine, decoded, tmp_path)
    states, groups = {}, {}
    for each in (SP_EFFICIENTNET_B0, EFF_SPINENET_D0):
        states[each.name] = supernet.initial_state(each, 1)
        groups[each.name] = [p for p in parameters(TASK.architecture(each, 1)) if p.is_trainable]
    one, other = states
    narrow = np.full_like(states[one].weights, np.nan)
    Slices(FlatTensors(groups[one]), FlatTensors(groups[other])).read(states[other].weights, narrow)
    is_shared = ~np.isnan(narrow)
    assert is_shared.mean() > 0.5
    assert np.array_equal(states[one].weights[is_shared], narrow[is_shared])
    fresh = fresh_state(TASK, parameters(TASK.architecture(EFF_SPINENET_D0, 1)), 1)
    trained = states[EFF_SPINENET_D0.name]
    assert np.mean(trained.weights != fresh.weights) > 0.9
    assert np.array_equal(trained.average, trained.weights)
    assert not trained.first.any()
    assert not trained.second.any()
    assert trained.steps_done == 0
    engine.load(EFF_SPINENET_D0, 1, trained)  # it fits the network


def test_channels_that_the_supernet_lacks_have_initial_values(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path
) -> None:
    supernet, _ = _trained(engine, decoded, tmp_path)
    wider = replace(SP_EFFICIENTNET_B0, widths=(*SP_EFFICIENTNET_B0.widths[:17], 640))
    state, fresh = supernet.initial_state(wider, 5), fresh_state(TASK, parameters(TASK.architecture(wider, 1)), 5)
    is_initial = state.weights == fresh.weights
    assert 0.1 < is_initial.mean() < 0.9


def test_slices_are_cut_from_the_moving_average_of_its_weights(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path
) -> None:
    one_path = replace(TASK, shared_steps=module.STEPS_PER_PATH)
    tasks = (one_path, replace(one_path, shared_ema_decay=0.9), replace(one_path, shared_learning_rate=1e-6))
    trained = [_trained(engine, decoded, tmp_path / str(number), task)[0] for number, task in enumerate(tasks)]
    last, average, initial = (supernet.initial_state(EFF_SPINENET_D0).weights for supernet in trained)
    decay = 0.9**module.STEPS_PER_PATH
    assert np.abs(last - initial).mean() > 1e-3
    np.testing.assert_allclose(average, decay * initial + (1 - decay) * last, rtol=0, atol=1e-5)


def test_an_interrupted_training_resumes_to_the_same_weights(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(TASK, shared_ema_decay=0.9)
    whole, _ = _trained(engine, decoded, tmp_path / "whole", task)
    monkeypatch.setattr(module, "_CHECKPOINT_SECONDS", 0.0)

    class StopError(Exception):
        pass

    def stop(step: int, loss: float | None) -> None:
        if step == 6:
            raise StopError

    with pytest.raises(StopError):
        _supernet(task).load_or_train(engine, lambda: TrainingBatches(decoded, task, 0), tmp_path / "interrupted", stop)
    resumed, steps = _trained(engine, decoded, tmp_path / "interrupted", task)
    assert steps == list(range(5, STEPS + 1))  # after the last four steps with the same architecture
    _assert_equal(whole.initial_state(EFF_SPINENET_D0, 1), resumed.initial_state(EFF_SPINENET_D0, 1))


def test_a_truncated_file_is_trained_again_with_a_warning(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _trained(engine, decoded, tmp_path)
    (file,) = tmp_path.glob("*.weights")
    file.write_bytes(file.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING):
        _, steps = _trained(engine, decoded, tmp_path)
    assert len(steps) == STEPS
    assert "does not match its checksum" in caplog.text


def test_it_waits_while_another_process_trains(engine: Engine, decoded: DecodedSplit, tmp_path: Path) -> None:
    _trained(engine, decoded, tmp_path)
    (lock,) = tmp_path.glob("*.lock")
    waits: list[float | None] = []
    waited = threading.Event()

    def on_step(step: int, loss: float | None) -> None:
        waits.append(loss)
        waited.set()

    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        thread = threading.Thread(
            target=lambda: _supernet().load_or_train(
                engine, lambda: TrainingBatches(decoded, TASK, 0), tmp_path, on_step
            )
        )
        thread.start()
        assert waited.wait(120)
    thread.join(120)
    assert not thread.is_alive()
    assert set(waits) == {None}


def test_vectors_of_other_lengths_are_trained_again(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file with the right digest and identity, and the wrong content."""
    supernet, _ = _trained(engine, decoded, tmp_path)
    wanted = supernet.initial_state(EFF_SPINENET_D0, 1)
    (path,) = tmp_path.glob("*.weights")
    file = CheckpointFile(path, supernet._identity)
    found = file.load()
    assert found is not None
    for change in (
        {"average": found.state.average[:-1]},
        {"statistics": np.append(found.state.statistics, np.float32(0))},
        {"second": np.zeros(3, np.float32)},
        {"steps_done": STEPS + 1},
    ):
        file.save(replace(found, state=found.state._replace(**change)))
        again, steps = _trained(engine, decoded, tmp_path)
        assert len(steps) == STEPS
        _assert_equal(again.initial_state(EFF_SPINENET_D0, 1), wanted)
    assert caplog.text.count("its vectors have the lengths of another network") == 4


@pytest.mark.timeout(120)
def test_a_pipe_or_a_directory_in_the_place_of_a_file_of_shared_weights_does_not_block(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path
) -> None:
    supernet, _ = _trained(engine, decoded, tmp_path)
    (path,) = tmp_path.glob("*.weights")
    for make in (os.mkfifo, os.mkdir):
        path.unlink()
        make(path)
        again, steps = _trained(engine, decoded, tmp_path)
        assert len(steps) == STEPS
        assert path.is_file()
        _assert_equal(again.initial_state(EFF_SPINENET_D0, 1), supernet.initial_state(EFF_SPINENET_D0, 1))
    lock = path.with_suffix(".lock")
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(
        DataError, match=f"cannot write the lock {lock} of the shared weights: it is a named pipe, not a"
    ):
        _trained(engine, decoded, tmp_path)


def test_a_place_that_cannot_be_written_is_named_and_a_full_disk_is_waited_for(
    engine: Engine, decoded: DecodedSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared").touch()
    with pytest.raises(DataError, match=r"cannot write the lock .*\.lock of the shared weights: File exists"):
        _trained(engine, decoded, tmp_path / "shared")

    def full(path: Path, mode: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(module, "open_regular", full)
    with pytest.raises(
        DiskFullError, match=r"cannot write the lock .* of the shared weights: no space left on the disk"
    ):
        _trained(engine, decoded, tmp_path / "other")


def test_its_digest_covers_everything_that_it_depends_on() -> None:
    digests = {
        _supernet().digest,
        _supernet(replace(TASK, shared_seed=1)).digest,
        _supernet(replace(TASK, shared_learning_rate=0.02)).digest,
        _supernet(replace(TASK, image_px=128)).digest,
        _supernet(replace(TASK, shared_ema_decay=0.5)).digest,
        Supernet(TASK, 1, SearchSpace(choices=(1, 2)), "data").digest,
        Supernet(TASK, 1, SPACE, "other data").digest,
    }
    assert len(digests) == 7
    longer = replace(TASK, steps=24, warmup_steps=8, learning_rate=0.5, recalibration_images=8)
    assert _supernet(longer).digest == _supernet().digest  # fields of the trials only


def test_a_supernet_that_diverges_stops_the_campaign(odd: Path, tmp_path: Path) -> None:
    task = replace(SMOKE, kind="shared", shared_steps=60, shared_learning_rate=10.0)
    train, _ = load_dataset(odd, reserved_images=4, reserve_from="train", seed=1)
    images, classes = decode_split(train, task.image_px, tmp_path), len(train.category_ids)
    supernet = Supernet(task, classes, SPACE, "data")
    with pytest.raises(
        SharedTrainingDivergedError, match=r"the shared weights: the loss is not finite at step .*shared_learning_rate"
    ):
        supernet.load_or_train(
            engine_pool.shared_engine(task, classes),
            lambda: TrainingBatches(images, task, 0),
            tmp_path,
            lambda step, loss: None,
        )
    assert SharedTrainingDivergedError.reaction == "stop"


def test_a_trial_is_the_same_whichever_process_trained_the_supernet(digits: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    first = ProxyWorker(TASK, digits, tmp_path, 1, THREADS, SPACE).run(EFF_SPINENET_D0, reports.append)
    assert [report for report in reports if report.of_supernet][-1].step == STEPS
    assert [report.step for report in reports if not report.of_supernet][-1] == TASK.steps
    reports.clear()
    worker = ProxyWorker(TASK, digits, tmp_path, 1, THREADS, SPACE)
    worker.run(SP_EFFICIENTNET_B0, reports.append)
    second = worker.run(EFF_SPINENET_D0, reports.append)
    assert not any(report.of_supernet for report in reports)
    assert (second["ap"], second["loss"]) == (first["ap"], first["loss"])


def test_shared_weights_without_a_search_space_are_refused(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="the search space that they are trained for"):
        ProxyWorker(TASK, digits, tmp_path, 1, THREADS)


def _assert_equal(one: EngineState, other: EngineState) -> None:
    for name, values in one._asdict().items():
        assert np.array_equal(values, getattr(other, name)), name
