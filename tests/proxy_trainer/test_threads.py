"""Commands and workers decode images in as many threads as they are given; by default, in one for each processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxy_trainer.threads import thread_count
from tests.support.constant_detectors import write_constant_detector
from tests.support.processes import THREADS
from tests.support.proxy_tasks import TINY

ALL = THREADS + 1
"""The processors that a process may use here."""


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads of each pool that reads or decodes images, as they are made."""
    made: list[int] = []

    def pool(threads: int) -> ThreadPoolExecutor:
        made.append(threads)
        return ThreadPoolExecutor(threads)

    for module in ("packed_cache", "decoded_images", "coco_images"):
        monkeypatch.setattr(f"proxy_trainer.data.{module}.ThreadPoolExecutor", pool)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(ALL)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    return made


def test_all_processors_are_those_that_the_process_may_use(pools: list[int]) -> None:
    assert [thread_count(wanted) for wanted in (None, 0, 1, 7)] == [ALL, ALL, 1, 7]


def _worker(data: Path, cache: Path) -> None:
    from proxy_trainer.training.proxy_worker import ProxyWorker

    ProxyWorker(TINY, data, cache, 1, THREADS)


def _training(data: Path, cache: Path) -> None:
    from proxy_trainer.training.detection_data import DetectionSplits

    DetectionSplits.load(data, TINY).decoded(TINY.image_px, cache, THREADS)


def _evaluation(data: Path, cache: Path) -> None:
    from proxy_trainer.inference.models import load_runnable

    detector = write_constant_detector(cache.parent / "detector", ["square"], [((16.0, 16.0, 40.0, 40.0), 0.9, 0)])
    load_runnable(detector, THREADS).evaluate(data, "all", cache, lambda done, total: None)


@pytest.mark.parametrize("read", [_worker, _training, _evaluation])
def test_the_threads_are_those_that_are_given(
    read: Callable[[Path, Path], None], edge_case_coco: Path, tmp_path: Path, pools: list[int], tensorflow: None
) -> None:
    read(edge_case_coco, tmp_path / "cache")
    assert set(pools) == {THREADS}


def test_without_a_number_all_are_used(edge_case_coco: Path, tmp_path: Path, pools: list[int]) -> None:
    from proxy_trainer.data.coco_directory import find_splits
    from proxy_trainer.data.decoded_images import decode_split

    decode_split(find_splits(edge_case_coco)[0].load(), TINY.image_px, tmp_path / "cache")
    assert set(pools) == {ALL}


@pytest.mark.parametrize("command", ["proxy", "train", "evaluate"])
def test_zero_threads_are_all(
    command: str, edge_case_coco: Path, tmp_path: Path, pools: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    class StopError(Exception):
        pass

    def stop(*arguments: Any, **named: Any) -> None:
        given.extend(arguments)
        raise StopError

    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(tmp_path / "data"))
    if command == "proxy":
        from proxy_trainer.commands import proxy

        monkeypatch.setattr("proxy_trainer.engine.runtime.start", stop)
        with pytest.raises(StopError):
            proxy(edge_case_coco, widths=",".join(["16"] * 18), profile="smoke", threads=0)
        assert given == [ALL]
    elif command == "train":
        from proxy_trainer.train_command import train

        monkeypatch.setattr("proxy_trainer.tasks.trainings.build_training", stop)
        with pytest.raises(StopError):
            train("Eff-SpineNet-D0", edge_case_coco, tmp_path / "out", "laptop-final", threads=0)
        assert given[1].threads == ALL
    else:
        from proxy_trainer.inference_commands import _runnable

        monkeypatch.setattr("proxy_trainer.inference.models.load_runnable", stop)
        with pytest.raises(StopError):
            _runnable(tmp_path, 0)
        assert given == [tmp_path, ALL]


def test_what_is_logged_while_the_data_are_read_is_shown(
    edge_case_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from proxy_trainer.commands import proxy

    class Worker:
        def __init__(self, *arguments: Any) -> None:
            os.write(2, b"the image cache is damaged\n")

        def run(self, *arguments: Any, **named: Any) -> dict[str, float]:
            return {"ap": 0.5}

    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("proxy_trainer.training.proxy_worker.ProxyWorker", Worker)
    monkeypatch.setattr("proxy_trainer.engine.runtime.start", lambda threads: None)
    proxy(edge_case_coco, widths=",".join(["16"] * 18), profile="smoke", as_json=True)
    assert "the image cache is damaged" in capfd.readouterr().err
