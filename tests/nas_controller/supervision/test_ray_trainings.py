"""A training on a Ray cluster on loopback: its node, its process and the head are killed, and no bit of it changes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nas_controller.store import Store, TrainingRecord, sqlite_url
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from nas_controller.trainings.files import run_directory
from tests.chaos.units import Unit
from tests.support.process_table import running_processes, worker_of
from tests.support.processes import in_a_process
from tests.support.ray_nodes import free_port, head_of, node_of, restarted_node, set_environment
from tests.support.small_trainings import TINY_FIELDS
from tests.support.supervised import supervising
from tests.support.trainings import training_request
from tests.support.waiting import wait_for

FIELDS = {**TINY_FIELDS, "epochs": 120, "evaluate_epochs": 20}
"""Of 24 images in batches of 4: 720 steps, and an evaluation every 120."""
REQUEST = training_request(overrides=FIELDS, resources={"cpus": 1, "gpus": None, "tpus": 0})


def make_small_digits(directory: str) -> None:
    from proxy_trainer.data.digits import make_digits

    make_digits(Path(directory), train=24, val=4, image_px=64)


def train_without_interruption(dataset: str, out: str, expected: str) -> None:
    """Trains in one go, and compares the weights after the last step and those of the best evaluation."""
    from nas_controller.execution.network_training import NetworkTraining, train_network
    from search_space.run_files import BEST, LAST

    fields = {"task": REQUEST.task, "recipe": REQUEST.recipe, "overrides": REQUEST.overrides, "seed": REQUEST.seed}
    directory = Path(out)
    work = NetworkTraining(
        architecture=REQUEST.model or "", data=Path(dataset), start="fresh", threads=1,
        cache_dir=directory / "cache", out=directory / "run", **fields,
    )  # fmt: skip
    assert train_network(work, lambda progress: None, lambda: False) == "complete"
    for name in (BEST, LAST):
        found, wanted = ((root / name / "model.safetensors").read_bytes() for root in (work.out, Path(expected)))
        assert found == wanted, f"the weights in {name} differ"


def trains(node: Unit) -> bool:
    """Whether the worker of the training is on this node."""
    return worker_of(node.pid) is not None


@contextmanager
def waited_for(log: Path) -> Iterator[None]:
    """Waits until the node with this log has started."""
    wait_for(lambda: log.exists() and "Ray runtime started" in log.read_text(), "the node")
    yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(sqlite_url(tmp_path / "effspine.db"))) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_loss_of_a_node_of_the_process_and_of_the_head_changes_no_bit(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch)
    dataset = tmp_path / "datasets" / "digits"
    in_a_process(make_small_digits, dataset)
    port = free_port()
    address = f"127.0.0.1:{port}"
    training_id = store.service.create_training(REQUEST).id

    def now() -> TrainingRecord:
        training = store.reads.get_training(training_id)
        assert training.state != "failed", (training.error, training.log_tail)
        return training

    def trains_on(after: int) -> bool:
        """Whether an attempt after this one has a worker that reports progress."""
        before = now()
        assert before.state != "completed"
        wait_for(lambda: now().progress != before.progress or now().state == "completed", "progress")
        return after < before.attempts == now().attempts

    def process() -> int:
        """The newest: an earlier one may still be ending."""
        return [each.pid for each in running_processes() if f"training_job {training_id}" in each.command][-1]

    with (
        restarted_node("head", tmp_path / "head.log", *head_of(port)) as head,
        restarted_node("one", tmp_path / "one.log", *node_of(address, cpus=1)) as one,
        waited_for(tmp_path / "one.log"),  # nodes of one machine that start together want the same sockets
        restarted_node("two", tmp_path / "two.log", *node_of(address, cpus=1)) as two,
        waited_for(tmp_path / "two.log"),
        supervising(Supervisor(sqlite_url(tmp_path / "effspine.db"), tmp_path, ray_address=address)),
    ):
        wait_for(lambda: now().figures is not None, "the first evaluation")
        (node,) = (each for each in (one, two) if trains(each))
        node.kill_all()
        wait_for(lambda: trains_on(1), "a worker that resumes on another node")
        assert (now().error or "").startswith("the worker that trained it died: ")  # whichever Ray notices first
        before, attempts = now().error, now().attempts
        os.kill(process(), signal.SIGKILL)
        wait_for(lambda: trains_on(attempts), "a process that resumes")
        # Where the supervisor's own node has just been restarted, the attempt is no failure and the error stays.
        assert now().error in ("its process was ended by signal 9", before)
        head.kill_all()
        wait_for(lambda: now().state == "completed", "the end")
    assert now().attempts > 3
    assert "does not respond" in log_path(tmp_path, training_id).read_text()
    in_a_process(
        train_without_interruption, dataset, tmp_path / "other", run_directory(tmp_path, training_id), timeout_s=900
    )
